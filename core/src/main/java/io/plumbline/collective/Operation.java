package io.plumbline.collective;

/** What a rank called, as it stands in every header so that mismatched calls are noticed. */
record Operation(Kind kind, long sequence, long length, int root) {
  enum Kind {
    SUM_FLOATS(1, "allReduceSum", "floats"),
    SUM_DOUBLES(2, "allReduceSum", "doubles"),
    BROADCAST(3, "broadcast", "floats"),
    BARRIER(4, "barrier", "");

    /** As it stands in headers. */
    final byte code;

    final String call;
    final String unit;

    Kind(int code, String call, String unit) {
      this.code = (byte) code;
      this.call = call;
      this.unit = unit;
    }
  }

  private static final Kind[] KINDS = Kind.values();

  static Kind kind(int code) {
    return code >= 1 && code <= KINDS.length ? KINDS[code - 1] : null;
  }

  /** Such as "allReduceSum of 12 floats (its operation 7)". */
  static String describe(Kind kind, long sequence, long length, int root) {
    return switch (kind) {
      case BARRIER -> "barrier (its operation %d)".formatted(sequence);
      case BROADCAST ->
          "broadcast of %d floats from rank %d (its operation %d)"
              .formatted(length, root, sequence);
      default -> "%s of %d %s (its operation %d)".formatted(kind.call, length, kind.unit, sequence);
    };
  }

  @Override
  public String toString() {
    return describe(kind, sequence, length, root);
  }
}
