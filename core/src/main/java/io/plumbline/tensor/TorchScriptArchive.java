package io.plumbline.tensor;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs named tuples and the methods of one stateless module into TorchScript's own file format, in
 * memory.
 *
 * <p>The format is a zip of stored entries: the pickled module, its code, an empty pickled tuple of
 * constants and a version. Python is not needed to write it, nor to load it.
 */
final class TorchScriptArchive {
  private static final String CLASS_HEADER =
      "class Ops(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n";

  private TorchScriptArchive() {}

  /**
   * The archive's bytes.
   *
   * @param tuples classes, whose names begin with {@code __torch__.} wherever they are used
   * @param methods of the module's class, indented by two blanks
   */
  static byte[] pack(String tuples, String methods) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      store(zip, "archive/data.pkl", pickledModule());
      store(
          zip,
          "archive/code/__torch__.py",
          (tuples + CLASS_HEADER + methods).getBytes(StandardCharsets.UTF_8));
      // Pickle protocol 2: an empty tuple.
      store(zip, "archive/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "archive/version", "10\n".getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  /** Pickle protocol 2: an instance of {@code __torch__.Ops} with the state {training: False}. */
  private static byte[] pickledModule() {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(new byte[] {(byte) 0x80, 2, 'c'});
    pickle.writeBytes("__torch__\nOps\n".getBytes(StandardCharsets.US_ASCII));
    pickle.writeBytes(new byte[] {')', (byte) 0x81, '}', '(', 'X', 8, 0, 0, 0});
    pickle.writeBytes("training".getBytes(StandardCharsets.US_ASCII));
    pickle.writeBytes(new byte[] {(byte) 0x89, 'u', 'b', '.'});
    return pickle.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    CRC32 crc = new CRC32();
    crc.update(bytes);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }
}
