package io.plumbline.storage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.regex.Pattern;

/** Keys inside paths: where they are, no message may show them, and nothing takes them. */
final class Credentials {
  /** A secret key may hold slashes, so it ends at the last @ of the word. */
  private static final Pattern IN_OBJECT_PATH =
      Pattern.compile("(?i)\\b(s3[an]?)://([^/\\s:@]*:\\S*)@");

  private static final Pattern IN_ANY_PATH = Pattern.compile("//([^/:@\\s]*):[^/@\\s]+@");

  private Credentials() {}

  /** The text with stars in place of keys. */
  static String hidden(String text) {
    String objects = IN_OBJECT_PATH.matcher(text).replaceAll("$1://***@");
    return IN_ANY_PATH.matcher(objects).replaceAll("//$1:***@");
  }

  /** Fails with BAD_USAGE where a text holds an S3 path with a key in it. */
  static void refuse(String text) {
    if (IN_OBJECT_PATH.matcher(text).find()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "A path holds a key before the name of its bucket: write it without, as in"
              + " s3a://models/base, and give the key by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or another of Hadoop's"
              + " providers (docs/object-stores.md), and take another key, because this one may"
              + " stand in logs by now.");
    }
  }
}
