package io.plumbline.base;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/** Reads what a training state says of rollouts. */
public final class State {
  private State() {}

  public static double number(ObjectNode state, String field) {
    JsonNode value = state.path(field);
    if (!value.isNumber()) {
      throw unfit(field + " is missing");
    }
    return value.asDouble();
  }

  public static void checkKind(ObjectNode state, String field, String kind) {
    String found = state.path(field).asText();
    if (!found.equals(kind)) {
      throw unfit(
          field + " is " + (found.isEmpty() ? "missing" : found) + ", and this run's is " + kind);
    }
  }

  public static PlumblineException unfit(String what) {
    return new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        "The training state does not fit this run: "
            + what
            + "; continue with the settings it was written with, or start anew.");
  }
}
