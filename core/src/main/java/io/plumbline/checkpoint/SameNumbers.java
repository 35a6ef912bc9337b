package io.plumbline.checkpoint;

import io.plumbline.storage.Storage;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Map;

/** Whether two tensors hold the same numbers. */
final class SameNumbers {
  private static final int PIECE = 1 << 20;
  private static final int REMEMBERED = 64;

  private record Key(
      ModelFingerprint.Version file,
      String tensor,
      ModelFingerprint.Version otherFile,
      String other) {}

  private static final Map<Key, Boolean> KNOWN = Recent.map(REMEMBERED);

  private SameNumbers() {}

  static boolean of(
      Storage storage,
      SafetensorsFile file,
      String tensor,
      SafetensorsFile otherFile,
      String other) {
    if (!Arrays.equals(file.tensor(tensor).shape(), otherFile.tensor(other).shape())
        || !file.tensor(tensor).dtype().readsAsFloat()
        || !otherFile.tensor(other).dtype().readsAsFloat()) {
      return false;
    }
    Key key =
        new Key(
            ModelFingerprint.Version.of(storage, file.path()),
            tensor,
            ModelFingerprint.Version.of(storage, otherFile.path()),
            other);
    // Compared outside of the map's lock, which checks of other models wait for.
    Boolean same = KNOWN.get(key);
    if (same == null) {
      same = compare(file, tensor, otherFile, other);
      KNOWN.put(key, same);
    }
    return same;
  }

  private static boolean compare(
      SafetensorsFile file, String tensor, SafetensorsFile otherFile, String other) {
    long elements = file.tensor(tensor).elements();
    float[] piece = new float[(int) Math.min(PIECE, elements)];
    float[] otherPiece = new float[piece.length];
    for (long at = 0; at < elements; at += piece.length) {
      int n = (int) Math.min(piece.length, elements - at);
      file.read(tensor, at, FloatBuffer.wrap(piece, 0, n));
      otherFile.read(other, at, FloatBuffer.wrap(otherPiece, 0, n));
      for (int i = 0; i < n; i++) {
        if (piece[i] != otherPiece[i]) { // Zeros of both signs are equal, NaN is not: torch.equal.
          return false;
        }
      }
    }
    return true;
  }
}
