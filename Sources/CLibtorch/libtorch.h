// Empty on purpose: this module only carries the folders and libraries of libtorch, from its pkg-config file.
