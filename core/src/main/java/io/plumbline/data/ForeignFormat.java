package io.plumbline.data;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Formats that are not read, by the bytes that they begin with, each with what to do.
 *
 * @param offset where the bytes stand
 * @param what it is, with its article
 * @param remedy what to do, {@code %s} being the file
 */
record ForeignFormat(int offset, byte[] magic, String what, String remedy) {
  private static final String DECOMPRESS = "decompress it, or compress it by gzip, zstd or bzip2";
  private static final String BY_SPARK = "name it by sql:SELECT * FROM %s.`%%s`";
  private static final String UNPACK = "unpack it and name the files in it";
  private static final String TO_PARQUET = "write its rows as Parquet or JSON lines";
  private static final String TO_UTF8 = "convert it, as in iconv -f %s -t UTF-8 '%%s' > rows.jsonl";

  private static final List<ForeignFormat> ALL =
      List.of(
          of(
              "PARE",
              "a Parquet file with an encrypted footer",
              "write it again without encryption"),
          of(
              "ARROW1",
              "an Arrow file (feather)",
              "write it as Parquet, as in"
                  + " pyarrow.parquet.write_table(pyarrow.feather.read_table('%s'),"
                  + " 'rows.parquet')"),
          of(
              "FEA1",
              "a feather file of version 1",
              "write it as Parquet, as in pandas.read_feather('%s').to_parquet('rows.parquet')"),
          at(
              0,
              new int[] {0xff, 0xff, 0xff, 0xff},
              "an Arrow stream, as datasets' save_to_disk and its cache have them",
              "write it as Parquet, as in"
                  + " datasets.Dataset.from_file('%s').to_parquet('rows.parquet')"),
          of("ORC", "an ORC file", BY_SPARK.formatted("orc")),
          of(
              "Obj\u0001",
              "an Avro file",
              BY_SPARK.formatted("avro") + " with Spark's avro package, or write it as Parquet"),
          of("SEQ\u0006", "a Hadoop sequence file", TO_PARQUET),
          of("SQLite format 3\u0000", "an SQLite database", TO_PARQUET),
          of("PK\u0003\u0004", "a zip archive (or a spreadsheet, or a PyTorch file)", UNPACK),
          of("PK\u0005\u0006", "an empty zip archive", UNPACK),
          of("7z\u00bc\u00af", "a 7z archive", UNPACK),
          of("Rar!", "a rar archive", UNPACK),
          at(257, new int[] {'u', 's', 't', 'a', 'r'}, "a tar archive", UNPACK),
          at(0, new int[] {0xfd, '7', 'z', 'X', 'Z', 0}, "compressed by xz", DECOMPRESS),
          at(0, new int[] {0x5d, 0, 0}, "compressed by lzma", DECOMPRESS),
          at(0, new int[] {0x04, 0x22, 0x4d, 0x18}, "compressed by lz4", DECOMPRESS),
          at(
              0,
              new int[] {0xff, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'},
              "compressed by snappy",
              DECOMPRESS),
          at(0, new int[] {0x1f, 0x9d}, "compressed by compress", DECOMPRESS),
          at(0, new int[] {0x89, 'L', 'Z', 'O'}, "compressed by lzop", DECOMPRESS),
          of("\u0089HDF", "an HDF5 file", TO_PARQUET),
          of("\u0093NUMPY", "a NumPy array", TO_PARQUET),
          at(0, new int[] {0x80, 2}, "a Python pickle", TO_PARQUET),
          at(0, new int[] {0x80, 3}, "a Python pickle", TO_PARQUET),
          at(0, new int[] {0x80, 4}, "a Python pickle", TO_PARQUET),
          at(0, new int[] {0x80, 5}, "a Python pickle", TO_PARQUET),
          of("%PDF", "a PDF file", "leave it out"),
          of(
              "version https://git-lfs.github.com/spec",
              "a pointer of Git LFS, not the file itself",
              "fetch the file by git lfs pull in its repository"),
          at(0, new int[] {0xff, 0xfe, 0, 0}, "text in UTF-32", TO_UTF8.formatted("UTF-32")),
          at(0, new int[] {0, 0, 0xfe, 0xff}, "text in UTF-32", TO_UTF8.formatted("UTF-32")),
          at(0, new int[] {0xff, 0xfe}, "text in UTF-16", TO_UTF8.formatted("UTF-16")),
          at(0, new int[] {0xfe, 0xff}, "text in UTF-16", TO_UTF8.formatted("UTF-16")));

  private static ForeignFormat of(String magic, String what, String remedy) {
    return new ForeignFormat(0, magic.getBytes(StandardCharsets.ISO_8859_1), what, remedy);
  }

  private static ForeignFormat at(int offset, int[] magic, String what, String remedy) {
    byte[] bytes = new byte[magic.length];
    for (int i = 0; i < magic.length; i++) {
      bytes[i] = (byte) magic[i];
    }
    return new ForeignFormat(offset, bytes, what, remedy);
  }

  private boolean fits(byte[] head) {
    if (head.length < offset + magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if (head[offset + i] != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** What a head is of, and what to do, as the end of a sentence that begins with the file. */
  static Optional<String> sentence(String path, byte[] head) {
    for (ForeignFormat format : ALL) {
      if (format.fits(head)) {
        return Optional.of(
            "is " + format.what + ", which is not read: " + format.remedy.replace("%s", path));
      }
    }
    return markup(head);
  }

  private static Optional<String> markup(byte[] head) {
    String start =
        new String(head, 0, Math.min(head.length, 512), StandardCharsets.UTF_8)
            .replace("\ufeff", "")
            .stripLeading()
            .toLowerCase(Locale.ROOT);
    if (start.startsWith("<!doctype html")
        || start.startsWith("<html")
        || start.startsWith("<head")) {
      return Optional.of(
          "is an HTML page, such as a server's answer in the place of the file: download it again,"
              + " from the address of the raw file");
    }
    if (start.startsWith("<?xml") || start.startsWith("<error>")) {
      return Optional.of(
          "is XML, such as a store's error in the place of the file: download it again, or write"
              + " its rows as JSON lines");
    }
    return Optional.empty();
  }
}
