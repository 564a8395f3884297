// The room's first file; gone once the room is furnished.
