package io.plumbline.rollout.ledger;

import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.IntConsumer;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;

/** Hands rows to Parquet, column by column. */
final class LedgerRecord {
  private final RecordConsumer out;

  LedgerRecord(RecordConsumer out) {
    this.out = out;
  }

  void write(LedgerRow row) {
    out.startMessage();
    field("step", () -> out.addLong(row.step()));
    field("phase", () -> out.addLong(row.phase()));
    field("rank", () -> out.addInteger(row.rank()));
    field("prompt_index", () -> out.addLong(row.promptIndex()));
    field("slot", () -> out.addInteger(row.slot()));
    field("sample", () -> out.addInteger(row.sample()));
    field("prompt", () -> text(row.prompt()));
    field("completion", () -> text(row.completion()));
    field("prompt_tokens", () -> out.addInteger(row.promptTokens()));
    field("completion_tokens", () -> out.addInteger(row.tokens().length));
    list("tokens", row.tokens().length, i -> out.addInteger(row.tokens()[i]));
    floats("logps", row.logps());
    row.referenceLogps().ifPresent(logps -> floats("reference_logps", logps));
    number("reward", row.reward());
    map("rewards", row.rewards());
    map("costs", row.costs());
    number("advantage", row.advantage());
    row.tokenAdvantages()
        .ifPresent(
            values -> list("token_advantages", values.length, i -> out.addDouble(values[i])));
    field("truncated", () -> out.addBoolean(row.truncated()));
    field("finish", () -> text(row.finish().name().toLowerCase(Locale.ROOT)));
    field("policy_version", () -> out.addLong(row.policyVersion()));
    row.failure().ifPresent(failure -> field("failure", () -> text(failure)));
    out.endMessage();
  }

  private void field(String name, Runnable value) {
    field(name, LedgerFile.SCHEMA.getFieldIndex(name), value);
  }

  private void field(String name, int index, Runnable value) {
    out.startField(name, index);
    value.run();
    out.endField(name, index);
  }

  private void text(String text) {
    out.addBinary(Binary.fromString(text));
  }

  private void number(String name, OptionalDouble value) {
    value.ifPresent(number -> field(name, () -> out.addDouble(number)));
  }

  private void floats(String name, float[] values) {
    list(name, values.length, i -> out.addFloat(values[i]));
  }

  private void list(String name, int length, IntConsumer element) {
    repeated(
        name,
        "list",
        length,
        () -> {
          for (int i = 0; i < length; i++) {
            int at = i;
            out.startGroup();
            field("element", 0, () -> element.accept(at));
            out.endGroup();
          }
        });
  }

  private void map(String name, Map<String, OptionalDouble> values) {
    repeated(
        name,
        "key_value",
        values.size(),
        () ->
            values.forEach(
                (key, value) -> {
                  out.startGroup();
                  field("key", 0, () -> text(key));
                  value.ifPresent(number -> field("value", 1, () -> out.addDouble(number)));
                  out.endGroup();
                }));
  }

  /** Parquet wants no field where it repeats not at all. */
  private void repeated(String name, String repeatedName, int length, Runnable items) {
    field(
        name,
        () -> {
          out.startGroup();
          if (length > 0) {
            field(repeatedName, 0, items);
          }
          out.endGroup();
        });
  }
}
