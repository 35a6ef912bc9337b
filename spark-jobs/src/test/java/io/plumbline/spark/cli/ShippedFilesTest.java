package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.internal.config.ConfigEntry;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * What deploy/ ships, read by the libraries of those that will read it, and every call of Plumbline
 * in there and in the pages about it by Plumbline itself.
 */
class ShippedFilesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path DEPLOY = Fixtures.root().resolve("deploy");

  /**
   * Read by others than Spark's core: its Kubernetes module, Hadoop, or by the name of a resource.
   */
  private static final Pattern OTHERS_SETTINGS =
      Pattern.compile(
          "spark\\.(hadoop\\.fs\\.s3a\\.aws\\.credentials\\.provider"
              + "|(executor|task)\\.resource\\.gpu\\.amount"
              + "|executor\\.resource\\.gpu\\.(vendor|discoveryScript)"
              + "|executorEnv\\.[A-Z_]+"
              + "|kubernetes\\.driverEnv\\.[A-Z_]+"
              + "|kubernetes\\.(driver|executor)\\.secretKeyRef\\.[A-Z_]+"
              + "|kubernetes\\.(driver|executor)\\.volumes\\.emptyDir\\.spark-local-dir-1"
              + "\\.(mount\\.path|options\\.sizeLimit)"
              + "|kubernetes\\.(container\\.image|namespace"
              + "|authenticate\\.driver\\.serviceAccountName"
              + "|(driver|executor)\\.podTemplateFile))");

  @TempDir Path temp;

  @Test
  void theBundleIsWhatDatabricksReads() throws Exception {
    JsonNode found =
        PythonPeer.checkDeploy(temp, "bundle", DEPLOY.resolve("databricks").toString());
    assertThat(texts(found.get("problems"))).isEmpty();
    assertThat(found.get("calls")).hasSize(12);
    found.get("calls").forEach(call -> assertGood(texts(call)));
    texts(found.get("classes")).forEach(ShippedFilesTest::assertProgram);
    Path jar = Fixtures.root().resolve("spark-jobs/target/plumbline.jar");
    assertThat(texts(found.get("jars"))).containsOnly(jar.toString());
    assertThat(texts(found.get("schedules")))
        .as("no schedule starts by itself")
        .containsOnly("PAUSED");
    for (JsonNode cluster : found.get("clusters")) {
      assertSettings(cluster.get("spark_conf"));
      assertThat(cluster.has("autoscale")).as("a gang needs a fixed number of workers").isFalse();
    }
  }

  @Test
  void theFilesForKubernetesAreWhatItReads() throws Exception {
    String definitions = System.getenv("PLUMBLINE_SPARK_OPERATOR");
    assumeTrue(
        definitions != null,
        "PLUMBLINE_SPARK_OPERATOR is not set: name a directory with the Spark operator's"
            + " definitions");
    JsonNode found =
        PythonPeer.checkDeploy(
            temp, "kubernetes", DEPLOY.resolve("kubernetes").toString(), definitions);
    assertThat(texts(found.get("problems"))).isEmpty();
    assertThat(texts(found.get("kinds")))
        .containsExactlyInAnyOrder(
            "Pod",
            "Pod",
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "ScheduledSparkApplication",
            "SparkApplication");
    found.get("calls").forEach(call -> assertGood(texts(call)));
    texts(found.get("classes")).forEach(ShippedFilesTest::assertProgram);
    found.get("configurations").forEach(ShippedFilesTest::assertSettings);
  }

  /** That the checks above would find something. */
  @Test
  void misspeltFieldsAreFound() throws Exception {
    Path bundle = copied("databricks");
    replace(bundle.resolve("resources/dpo.job.yml"), "depends_on", "depend_on");
    JsonNode found = null;
    try {
      found = PythonPeer.checkDeploy(temp, "bundle", bundle.toString());
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("depend_on");
    }
    assertThat(found).as("the bundle was refused").isNull();

    String definitions = System.getenv("PLUMBLINE_SPARK_OPERATOR");
    assumeTrue(definitions != null, "PLUMBLINE_SPARK_OPERATOR is not set");
    Path files = copied("kubernetes");
    replace(
        files.resolve("scheduledsparkapplication.yaml"), "concurrencyPolicy", "concurencyPolicy");
    replace(files.resolve("sparkapplication.yaml"), "capabilities", "capabilites");
    replace(files.resolve("executor-template.yaml"), "tolerations", "tolerate");
    found = PythonPeer.checkDeploy(temp, "kubernetes", files.toString(), definitions);
    assertThat(texts(found.get("problems")))
        .anyMatch(problem -> problem.contains("concurencyPolicy"))
        .anyMatch(problem -> problem.contains("capabilites"))
        .anyMatch(problem -> problem.contains("tolerate"));
  }

  @Test
  void theImageFilesAreGoodAndTheirSourcesExist() throws Exception {
    List<Path> files =
        List.of(DEPLOY.resolve("docker/Dockerfile.cpu"), DEPLOY.resolve("docker/Dockerfile.gpu"));
    JsonNode found =
        PythonPeer.checkDeploy(temp, "docker", files.get(0).toString(), files.get(1).toString());
    assertThat(texts(found.get("problems"))).isEmpty();
    for (Path file : files) {
      List<String> ignored = Files.readAllLines(Path.of(file + ".dockerignore"));
      List<String> copied = new ArrayList<>();
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith("COPY ") && !line.contains("--from=")) {
          String[] words = line.split(" +", -1);
          copied.addAll(Arrays.asList(words).subList(1, words.length - 1));
        }
      }
      assertThat(copied).contains("spark-jobs/target/plumbline.jar");
      copied.forEach(ShippedFilesTest::assertSource);
      // All else stays out of the build.
      assertThat(ignored)
          .containsExactlyInAnyOrderElementsOf(
              Stream.concat(Stream.of("*"), copied.stream().map(source -> "!" + source)).toList());
    }
  }

  /** A file of the tree, or the jar that a module's build says it makes. */
  private static void assertSource(String source) {
    Path root = Fixtures.root();
    if (!source.contains("/target/")) {
      assertThat(root.resolve(source)).exists();
      return;
    }
    Path pom = root.resolve(source.substring(0, source.indexOf("/target/"))).resolve("pom.xml");
    assertThat(pom)
        .content()
        .contains(
            "<outputFile>${project.build.directory}"
                + source.substring(source.indexOf("/target/") + "/target".length())
                + "</outputFile>");
  }

  @Test
  void submitHandsOverWhatItSays() throws Exception {
    Path bin = Files.createDirectories(temp.resolve("spark/bin"));
    program(bin.resolve("spark-submit"), "for one in \"$@\"; do echo \"$one\"; done");
    for (String kind : List.of("cpu", "gpu")) {
      List<String> arguments =
          run(
              Map.of(
                  "SPARK_HOME",
                  temp.resolve("spark").toString(),
                  "K8S_MASTER",
                  "k8s://https://h:1"),
              DEPLOY.resolve("kubernetes/submit").toString(),
              kind,
              "dpo",
              "--output",
              "a b");
      int jar = arguments.indexOf("local:///opt/plumbline/plumbline.jar");
      assertThat(arguments.subList(jar + 1, arguments.size()))
          .containsExactly("dpo", "--output", "a b");
      assertProgram(after(arguments, "--class"));
      assertThat(after(arguments, "--master")).isEqualTo("k8s://https://h:1");
      assertSettings(properties(Path.of(after(arguments, "--properties-file"))));
      Map<String, String> settings = new TreeMap<>();
      for (int i = 0; i < jar; i++) {
        if (arguments.get(i).equals("--conf")) {
          String[] parts = arguments.get(i + 1).split("=", 2);
          settings.put(parts[0], parts[1]);
        }
      }
      assertSettings(JSON.valueToTree(settings));
      assertThat(settings).containsEntry("spark.kubernetes.namespace", "plumbline");
      for (String role : List.of("driver", "executor")) {
        assertThat(Path.of(settings.get("spark.kubernetes." + role + ".podTemplateFile"))).exists();
      }
    }
  }

  @Test
  void theDiscoveryScriptSaysWhatSparkReads() throws Exception {
    Path bin = Files.createDirectories(temp.resolve("gpus"));
    program(bin.resolve("nvidia-smi"), "printf '0\\n1\\n 10\\n'");
    List<String> said =
        run(
            Map.of("PATH", bin + ":" + System.getenv("PATH")),
            DEPLOY.resolve("kubernetes/gpu-discovery").toString());
    assertThat(said).hasSize(1);
    JsonNode resource = JSON.readTree(said.get(0));
    assertThat(resource.get("name").asText()).isEqualTo("gpu");
    assertThat(texts(resource.get("addresses"))).containsExactly("0", "1", "10");
  }

  @Test
  void theImagesProgramCallsTheRealClass() throws Exception {
    String script = Files.readString(DEPLOY.resolve("docker/plumbline"));
    MatchResult named =
        Pattern.compile("--class (\\S+)").matcher(script).results().findFirst().orElseThrow();
    assertProgram(named.group(1));
    assertThat(script).contains("/opt/plumbline/plumbline.jar \"$@\"");
  }

  /** Calls of Plumbline in code of the pages about deploying it. */
  @TestFactory
  Stream<DynamicTest> callsInPagesAreGood() throws Exception {
    List<Path> pages = new ArrayList<>();
    for (String page : List.of("databricks", "kubernetes", "gpu", "cluster")) {
      pages.add(Fixtures.root().resolve("docs/" + page + ".md"));
    }
    for (String page : List.of("databricks", "kubernetes", "docker", "standalone")) {
      pages.add(DEPLOY.resolve(page + "/README.md"));
    }
    pages.add(DEPLOY.resolve("kubernetes/submit"));
    List<DynamicTest> tests = new ArrayList<>();
    for (Path page : pages) {
      for (String call : calls(Files.readString(page))) {
        tests.add(
            DynamicTest.dynamicTest(
                Fixtures.root().relativize(page) + ": " + call, () -> assertGood(words(call))));
      }
    }
    assertThat(tests).hasSizeGreaterThanOrEqualTo(8);
    return tests.stream();
  }

  private static List<String> calls(String page) {
    // Lines that a backslash ends continue; code stands behind four blanks, in a script behind #.
    String joined = page.replaceAll("\\\\\\n\\s*", "");
    return Pattern.compile(
            "(?m)^(?:#  |    ).*?(?:\\./plumbline|plumbline\\.jar|submit (?:cpu|gpu)|plumbline:\\w+"
                + " plumbline) ([a-z][a-z-]* --.*)$")
        .matcher(joined)
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  private static List<String> words(String call) {
    return Pattern.compile("'([^']*)'|\"([^\"]*)\"|([^\\s'\"]+)")
        .matcher(call.replaceAll("\\s+#.*$", ""))
        .results()
        .map(
            m ->
                Optional.ofNullable(m.group(1))
                    .or(() -> Optional.ofNullable(m.group(2)))
                    .orElse(m.group(3)))
        .toList();
  }

  /** Reads a call as the program would, up to the work. */
  private static void assertGood(List<String> call) {
    Optional<Command> command =
        Commands.all().stream().filter(one -> one.name().equals(call.get(0))).findFirst();
    assertThat(command).as("the command of %s", call).isPresent();
    CommandLineReader reader = new CommandLineReader(command.get(), Commands.all());
    Problems problems = new Problems();
    SettingValues values =
        reader.read(
            new CommandLine(reader.spec(100))
                .parseArgs(call.subList(1, call.size()).toArray(String[]::new)),
            problems);
    command.get().check(values, problems);
    assertThat(problems.sentences()).as("what is wrong with %s", call).isEmpty();
  }

  private static void assertProgram(String name) {
    assertThat(name).isEqualTo(Plumbline.class.getName());
  }

  private static void assertSettings(JsonNode settings) {
    // Spark registers its settings when this is loaded.
    var unused = org.apache.spark.internal.config.package$.MODULE$;
    assertThat(ConfigEntry.findEntry("spark.executor.memory")).isNotNull();
    assertThat(ConfigEntry.findEntry("spark.executor.memroy")).isNull();
    settings
        .fieldNames()
        .forEachRemaining(
            name ->
                assertThat(
                        OTHERS_SETTINGS.matcher(name).matches()
                            || ConfigEntry.findEntry(name) != null)
                    .as("%s is a setting of Spark", name)
                    .isTrue());
  }

  private static JsonNode properties(Path file) throws IOException {
    Properties properties = new Properties();
    try (var in = Files.newBufferedReader(file)) {
      properties.load(in);
    }
    assertThat(properties).isNotEmpty();
    return JSON.valueToTree(properties);
  }

  private static String after(List<String> arguments, String option) {
    return arguments.get(arguments.indexOf(option) + 1);
  }

  private static void program(Path file, String line) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + line + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  private List<String> run(Map<String, String> environment, String... command) throws Exception {
    Path out = Files.createTempFile(temp, "run", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(out)).isZero();
    return Files.readAllLines(out);
  }

  private Path copied(String name) throws IOException {
    Path copy = temp.resolve("copy-of-" + name);
    try (Stream<Path> files = Files.walk(DEPLOY.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(DEPLOY.resolve(name).relativize(file).toString()));
      }
    }
    return copy;
  }

  private static void replace(Path file, String word, String by) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(word + ":");
    Files.writeString(file, text.replace(word + ":", by + ":"));
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(one -> texts.add(one.asText()));
    return texts;
  }
}
