package io.plumbline.data;

/** A row that cannot be trained on. It ends up in the quarantine and not in a log. */
public final class RefusedRowException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RefusalReason reason;

  /**
   * @param detail what exactly is wrong, for the person who fixes the row; may hold a little of its
   *     text
   */
  public RefusedRowException(RefusalReason reason, String detail) {
    // Refusals may be as many as rows: no stack trace.
    super(detail, null, false, false);
    this.reason = reason;
  }

  public RefusalReason reason() {
    return reason;
  }
}
