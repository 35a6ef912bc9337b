package io.plumbline.data;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * The codecs of Parquet that Spark's jars bring. One that is not there is named, and a page is not
 * unpacked to more than its column can have: a broken header may claim 2 GiB.
 */
final class ParquetCodecs implements CompressionCodecFactory {
  /** Below this a page's size is believed, whatever the column's own size says. */
  private static final long BELIEVED_BYTES = 64L << 20;

  private final CodecFactory codecs = new CodecFactory(new Configuration(false), 0);
  private long mostBytes = Long.MAX_VALUE;

  /** Pages are read next that are parts of columns of at most so many bytes, unpacked. */
  void expectPagesUpTo(long bytes) {
    mostBytes = Math.max(BELIEVED_BYTES, bytes);
  }

  /** Fails with BAD_DATA where the codec of a column cannot be had. */
  void require(String path, String column, CompressionCodecName codec) {
    try {
      codecs.getDecompressor(codec);
    } catch (RuntimeException | LinkageError e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          ("The column %s of the Parquet file %s is compressed by %s, for which Spark's jars have"
                  + " no codec; write the file with zstd, snappy, gzip or lz4_raw.")
              .formatted(column, path, codec),
          e);
    }
  }

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    throw new UnsupportedOperationException("files of users are only read");
  }

  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return new Bounded(codecs.getDecompressor(codec));
  }

  @Override
  public void release() {
    codecs.release();
  }

  private final class Bounded implements BytesInputDecompressor {
    private final BytesInputDecompressor codec;

    Bounded(BytesInputDecompressor codec) {
      this.codec = codec;
    }

    @Override
    public BytesInput decompress(BytesInput bytes, int size) throws IOException {
      require(size);
      return codec.decompress(bytes, size);
    }

    @Override
    public void decompress(ByteBuffer input, int inputSize, ByteBuffer output, int size)
        throws IOException {
      require(size);
      codec.decompress(input, inputSize, output, size);
    }

    private void require(int size) throws IOException {
      if (size < 0 || size > mostBytes) {
        throw new IOException("a page claims to be %d bytes long unpacked".formatted(size));
      }
    }

    @Override
    public void release() {
      codec.release();
    }
  }
}
