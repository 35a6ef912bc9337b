package io.plumbline.spark.cli.terminal;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a user is told of an error, found among all that Spark wraps around it.
 *
 * @param unexpected whether this is none of the errors that Plumbline words itself
 */
public record Failure(String sentence, int exitStatus, boolean unexpected) {
  // Spark hands over an executor's exception as text where it cannot hand over the object.
  private static final Pattern REMOTE =
      Pattern.compile(Pattern.quote(PlumblineException.class.getName()) + ": ([^\\n]+)");

  public static Failure of(Throwable error) {
    List<Throwable> chain = chain(error);
    Optional<PlumblineException> known =
        chain.stream()
            .filter(PlumblineException.class::isInstance)
            .map(PlumblineException.class::cast)
            .findFirst();
    if (known.isPresent() && !vague(known.get().code())) {
      return new Failure(known.get().getMessage(), known.get().code().exitStatus(), false);
    }
    Optional<KnownCause.Found> cause = KnownCause.among(chain);
    if (cause.isPresent()) {
      return new Failure(cause.get().sentence(), cause.get().code().exitStatus(), false);
    }
    if (known.isPresent()) {
      return new Failure(known.get().getMessage(), known.get().code().exitStatus(), false);
    }
    for (Throwable link : chain) {
      Matcher remote = REMOTE.matcher(String.valueOf(link.getMessage()));
      if (remote.find()) {
        return new Failure(remote.group(1).strip(), ErrorCode.INTERNAL.exitStatus(), false);
      }
    }
    return new Failure(
        String.format(
            "an error that was not foreseen, %s: run the same call with --verbose, and report it"
                + " with what that shows.",
            firstLine(error)),
        ErrorCode.INTERNAL.exitStatus(),
        true);
  }

  /** Whether a code says that something broke, but not what: its cause may say more. */
  private static boolean vague(ErrorCode code) {
    return code == ErrorCode.INTERNAL || code == ErrorCode.GANG_BROKEN;
  }

  private static List<Throwable> chain(Throwable error) {
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Throwable> chain = new ArrayList<>();
    for (Throwable link = error; link != null && seen.add(link); link = link.getCause()) {
      chain.add(link);
    }
    return chain;
  }

  private static String firstLine(Throwable error) {
    String message = String.valueOf(error.getMessage()).strip();
    return error.getClass().getSimpleName()
        + (error.getMessage() == null ? "" : ": " + message.lines().findFirst().orElse(""))
            .replaceFirst("[.:]$", "");
  }
}
