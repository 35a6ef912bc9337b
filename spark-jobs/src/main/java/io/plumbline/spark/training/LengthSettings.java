package io.plumbline.spark.training;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.spark.training.algorithm.OptionHelp;
import java.util.OptionalInt;
import java.util.Set;

/**
 * How long rows may be, and how many may be refused.
 *
 * @param maxLength prompt and completion together are cut to so many tokens; absent for no limit
 * @param badRows when refused rows end the job
 */
@Heading(OptionHelp.TEXTS)
public record LengthSettings(
    @Option(
            help = "Prompt and completion together are cut to N tokens.",
            standard = "1024",
            min = 2,
            orNone = true,
            neutral = "none")
        OptionalInt maxLength,
    @Option(
            help = "Prompts are cut to their last N tokens.",
            standard = "none",
            min = 2,
            orNone = true,
            neutral = "none")
        OptionalInt maxPromptLength,
    @Option(
            name = "truncation-mode",
            help =
                "Which tokens of a row past --max-length stay; refuse sends the row to quarantine.",
            standard = "keep_start",
            follows = "max-length")
        Truncation truncation,
    @Option(
            name = "max-bad-rows",
            label = "N|SHARE%",
            help =
                "Refused rows go to quarantine/ with file, line and reason; more than so many end"
                    + " the job.",
            standard = "5%",
            decidesNothing = "ends a run and changes none of its rows")
        CountOrShare badRows)
    implements PartlyUsed {
  /** The limits of rows. */
  public LengthLimits limits() {
    return new LengthLimits(maxLength.orElse(0), maxPromptLength.orElse(0), truncation);
  }

  @Override
  public Set<String> unused() {
    return maxLength.isPresent() ? Set.of() : Set.of("truncation-mode");
  }
}
