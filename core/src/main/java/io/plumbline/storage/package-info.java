/**
 * Files by path, on the local disk and on every file system that Hadoop reads: list, read, write,
 * and commit by one marker.
 *
 * <p>Belongs here: what is true of bytes at a path. Does not: what the bytes mean. Uses {@code
 * error}.
 */
package io.plumbline.storage;
