package io.plumbline.storage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** What an I/O failure means to a user: a code, and a sentence that names the path. */
final class StorageFailures {
  private StorageFailures() {}

  /** The exception for an I/O failure, by what it was and what was being done. */
  static PlumblineException failure(String verb, String path, IOException e) {
    if (e instanceof NoSuchFileException || e instanceof FileNotFoundException) {
      return notFound(path, e);
    }
    if (isOf(e, "UnknownStoreException")) {
      return new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There is no bucket of the name in " + shown(path) + "; check it, and the endpoint.",
          e);
    }
    if (e instanceof SocketTimeoutException) {
      return new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "The storage did not answer in time when trying to "
              + verb
              + " "
              + shown(path)
              + "; check that it runs and can be reached, then run the command again, or resume the"
              + " run that was training.",
          e);
    }
    if (e instanceof ClosedByInterruptException || e instanceof InterruptedIOException) {
      return new PlumblineException(
          ErrorCode.INTERRUPTED,
          "Interrupted while trying to " + verb + " " + shown(path) + "; run the command again.",
          e);
    }
    if (e instanceof AccessDeniedException
        || e instanceof org.apache.hadoop.security.AccessControlException) {
      if (isOf(e, "NoAuthWithAWSException")) {
        return new PlumblineException(
            ErrorCode.CLUSTER_UNFIT,
            "There are no credentials for "
                + shown(path)
                + "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a provider in"
                + " fs.s3a.aws.credentials.provider.",
            e);
      }
      return new PlumblineException(
          verb.equals("read") || verb.equals("list")
              ? ErrorCode.INPUT_NOT_FOUND
              : ErrorCode.STORAGE_FAILED,
          "This user may not "
              + verb
              + " "
              + shown(path)
              + "; grant the right or name another path.",
          e);
    }
    String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new PlumblineException(
        ErrorCode.STORAGE_FAILED,
        "Could not "
            + verb
            + " "
            + shown(path)
            + ": "
            + shown(reason.strip().replaceFirst("\\.$", ""))
            + "; check the path, the file system's settings and its free space.",
        e);
  }

  /** By name: the class belongs to S3A, which need not be there. */
  private static boolean isOf(IOException e, String name) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause.getClass().getSimpleName().equals(name)) {
        return true;
      }
    }
    return false;
  }

  /** A path that is not there; {@code cause} may be null. */
  static PlumblineException notFound(String path, IOException cause) {
    return new PlumblineException(
        ErrorCode.INPUT_NOT_FOUND,
        "There is no " + shown(path) + "; check the path and its file system.",
        cause);
  }

  /** A path for messages: old S3 paths may carry a key. */
  static String shown(String path) {
    return Credentials.hidden(path);
  }
}
