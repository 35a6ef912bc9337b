package io.plumbline.spark.gang;

import io.plumbline.Fixtures;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.launcher.SparkLauncher;

/**
 * A standalone Spark cluster of separate processes on loopback, on free ports, started from the
 * class path that the build leaves in spark-jobs/target/spark-classpath. Closing ends the processes
 * that it started, their executors with them, and no others.
 */
public final class StandaloneCluster implements AutoCloseable {
  /**
   * What a submitted program left.
   *
   * @param log standard output and standard error
   */
  public record Run(int exitStatus, String log) {}

  private static final Duration START = Duration.ofSeconds(60);
  private static final Pattern MASTER = Pattern.compile("Starting Spark master at (spark://\\S+)");
  private static final String REGISTERED = "Successfully registered with master";

  private final Path directory;
  private final List<Process> processes = new ArrayList<>();
  private String master;
  private int submissions;
  private final List<Process> workerProcesses = new ArrayList<>();

  private StandaloneCluster(Path directory) {
    this.directory = directory;
  }

  /**
   * @param directory for logs and work files
   * @param workers how many worker processes
   * @param coresPerWorker slots each worker offers
   */
  public static StandaloneCluster start(Path directory, int workers, int coresPerWorker)
      throws IOException, InterruptedException {
    return start(directory, workers, coresPerWorker, 0);
  }

  /**
   * The same with GPUs that a discovery script of each worker names and that are not there: 0 and
   * up on the first worker, those that follow on the next.
   */
  public static StandaloneCluster start(
      Path directory, int workers, int coresPerWorker, int gpusPerWorker)
      throws IOException, InterruptedException {
    StandaloneCluster cluster = new StandaloneCluster(directory);
    try {
      Path masterLog = directory.resolve("master.log");
      Process process =
          cluster.java(
              masterLog,
              List.of("-Xmx384m"),
              "org.apache.spark.deploy.master.Master",
              "--host",
              "127.0.0.1",
              "--port",
              "0",
              "--webui-port",
              "0");
      cluster.master = await(masterLog, MASTER, process).group(1);
      for (int worker = 0; worker < workers; worker++) {
        cluster.launchWorker(coresPerWorker, gpusPerWorker);
      }
      for (int worker = 0; worker < workers; worker++) {
        await(
            directory.resolve("worker-" + worker + ".log"),
            Pattern.compile(REGISTERED),
            cluster.processes.get(1 + worker));
      }
      return cluster;
    } catch (IOException | InterruptedException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  private Process launchWorker(int cores, int gpus) throws IOException {
    int worker = workerProcesses.size();
    Process process =
        java(
            directory.resolve("worker-" + worker + ".log"),
            workerOptions(directory, worker, gpus),
            "org.apache.spark.deploy.worker.Worker",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--webui-port",
            "0",
            "--cores",
            Integer.toString(cores),
            "--memory",
            "4g",
            "--work-dir",
            directory.resolve("work-" + worker).toString(),
            master);
    workerProcesses.add(process);
    return process;
  }

  /** Starts one more worker and waits until the master knows it. */
  public Process addWorker(int cores) throws IOException, InterruptedException {
    Process worker = launchWorker(cores, 0);
    await(
        directory.resolve("worker-" + (workerProcesses.size() - 1) + ".log"),
        Pattern.compile(REGISTERED),
        worker);
    return worker;
  }

  /** Ends a worker and its executors at once, as a machine that is gone. */
  public void remove(Process worker) {
    end(worker);
  }

  private static List<String> workerOptions(Path directory, int worker, int gpus)
      throws IOException {
    List<String> options = new ArrayList<>(List.of("-Xmx384m"));
    if (gpus > 0) {
      String addresses =
          IntStream.range(worker * gpus, (worker + 1) * gpus)
              .mapToObj(gpu -> "\"" + gpu + "\"")
              .collect(Collectors.joining(","));
      Path script = directory.resolve("gpus-" + worker);
      Files.writeString(
          script, "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[%s]}'\n".formatted(addresses));
      Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
      options.add("-Dspark.worker.resource.gpu.amount=" + gpus);
      options.add("-Dspark.worker.resource.gpu.discoveryScript=" + script);
    }
    return options;
  }

  /** Such as spark://127.0.0.1:7077. */
  public String master() {
    return master;
  }

  public Path directory() {
    return directory;
  }

  /** Runs a program by spark-submit as a process of its own, in client mode, to its end. */
  public Run submit(
      String mainClass,
      Path jar,
      List<String> arguments,
      Map<String, String> settings,
      Duration deadline)
      throws IOException, InterruptedException {
    return submitTo(master, mainClass, jar, arguments, settings, deadline);
  }

  /** The same with another master than this cluster's, such as {@code local-cluster[2,1,1024]}. */
  public Run submitTo(
      String otherMaster,
      String mainClass,
      Path jar,
      List<String> arguments,
      Map<String, String> settings,
      Duration deadline)
      throws IOException, InterruptedException {
    Path log = directory.resolve("submit-" + submissions++ + ".log");
    Process process = launch(log, otherMaster, mainClass, jar, arguments, settings);
    if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
      end(process);
      throw new IllegalStateException(
          mainClass + " did not end within " + deadline + ":\n" + Files.readString(log));
    }
    return new Run(process.exitValue(), Files.readString(log));
  }

  /**
   * A program under way.
   *
   * @param log where its standard output and standard error go
   */
  public record Submission(Process process, Path log) {
    /** What it has written so far. */
    public String text() throws IOException {
      return Files.exists(log) ? Files.readString(log) : "";
    }

    /** Waits for its end. */
    public Run end(Duration deadline) throws IOException, InterruptedException {
      if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
        StandaloneCluster.end(process);
        throw new IllegalStateException("no end within " + deadline + ":\n" + text());
      }
      return new Run(process.exitValue(), text());
    }
  }

  /**
   * Starts a program that needs no jar, in client mode, as a process of its own.
   *
   * @param classes class path that driver and executors have besides Spark's
   */
  public Submission begin(
      String mainClass, String classes, List<String> arguments, Map<String, String> settings)
      throws IOException {
    Path log = directory.resolve("submit-" + submissions++ + ".log");
    List<String> command = new ArrayList<>();
    command.add("org.apache.spark.deploy.SparkSubmit");
    command.addAll(List.of("--master", master, "--deploy-mode", "client"));
    command.addAll(List.of("--conf", "spark.driver.host=127.0.0.1"));
    command.addAll(List.of("--conf", "spark.driver.bindAddress=127.0.0.1"));
    command.addAll(List.of("--conf", "spark.ui.enabled=false"));
    command.addAll(List.of("--conf", "spark.executor.extraClassPath=" + classes));
    settings.forEach((name, value) -> command.addAll(List.of("--conf", name + "=" + value)));
    command.addAll(List.of("--class", mainClass, SparkLauncher.NO_RESOURCE));
    command.addAll(arguments);
    Process process =
        javaWith(
            classPath() + File.pathSeparator + classes,
            log,
            List.of("-Xmx1g"),
            command.toArray(String[]::new));
    return new Submission(process, log);
  }

  private Process launch(
      Path log,
      String toMaster,
      String mainClass,
      Path jar,
      List<String> arguments,
      Map<String, String> settings)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add("org.apache.spark.deploy.SparkSubmit");
    command.addAll(List.of("--master", toMaster, "--deploy-mode", "client"));
    command.addAll(List.of("--conf", "spark.driver.host=127.0.0.1"));
    command.addAll(List.of("--conf", "spark.driver.bindAddress=127.0.0.1"));
    command.addAll(List.of("--conf", "spark.ui.enabled=false"));
    settings.forEach((name, value) -> command.addAll(List.of("--conf", name + "=" + value)));
    command.addAll(List.of("--class", mainClass, jar.toString()));
    command.addAll(arguments);
    return java(log, List.of("-Xmx1g"), command.toArray(String[]::new));
  }

  private Process java(Path log, List<String> options, String... arguments) throws IOException {
    return javaWith(classPath(), log, options, arguments);
  }

  private Process javaWith(String classPath, Path log, List<String> options, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.add("-cp");
    command.add(classPath);
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    Map<String, String> environment = builder.environment();
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    environment.put("SPARK_HOME", home().toString());
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("SPARK_LOCAL_DIRS", directory.toString());
    // Executors have it from their worker.
    environment.put("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  /**
   * What spark-submit and the workers take for an installation: a directory of links to jars, kept
   * below target between runs.
   */
  private static Path home() throws IOException {
    Path home = classPathFile().resolveSibling("spark-home");
    Path jars = Files.createDirectories(home.resolve("jars"));
    Files.writeString(home.resolve("RELEASE"), "made from a class path\n");
    Set<Path> wanted = new HashSet<>();
    for (String jar : sparkClassPath().split(File.pathSeparator, -1)) {
      Path target = Path.of(jar);
      Path link = jars.resolve(target.getFileName());
      wanted.add(link);
      if (!Files.exists(link)) {
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, target);
      }
    }
    // Another version of Spark may have been tested before.
    try (Stream<Path> links = Files.list(jars)) {
      for (Path link : links.filter(one -> !wanted.contains(one)).toList()) {
        Files.delete(link);
      }
    }
    return home;
  }

  private String classPath() throws IOException {
    Path configuration = directory.resolve("conf");
    if (!Files.exists(configuration)) {
      Files.createDirectories(configuration);
      Files.writeString(
          configuration.resolve("log4j2.properties"),
          """
          rootLogger.level = info
          rootLogger.appenderRef.console.ref = console
          appender.console.type = Console
          appender.console.name = console
          appender.console.target = SYSTEM_ERR
          appender.console.layout.type = PatternLayout
          appender.console.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n%ex
          """);
    }
    return configuration + File.pathSeparator + sparkClassPath();
  }

  private static String sparkClassPath() throws IOException {
    return Files.readString(classPathFile()).strip();
  }

  /** The Spark to start: the one that the module under test was built with, or the one named. */
  private static Path classPathFile() {
    String named = System.getProperty("plumbline.spark.classpath");
    return named == null
        ? Fixtures.root().resolve("spark-jobs/target/spark-classpath")
        : Path.of(named);
  }

  /** Ends one executor of this cluster at once, as a lost machine would; says whether one ran. */
  public boolean killAnExecutor() {
    // By their parents: a system does not tell the whole of a long command line.
    for (Process worker : workerProcesses) {
      Optional<ProcessHandle> executor =
          worker
              .children()
              .filter(child -> child.info().command().orElse("").endsWith("java"))
              .findFirst();
      if (executor.isPresent()) {
        return executor.get().destroyForcibly();
      }
    }
    return false;
  }

  /** A jar of the classes below some directories. */
  public static Path jar(Path file, List<Path> classDirectories) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out)) {
      for (Path root : classDirectories) {
        try (Stream<Path> found = Files.walk(root)) {
          for (Path path : found.filter(one -> one.toString().endsWith(".class")).toList()) {
            jar.putNextEntry(new JarEntry(root.relativize(path).toString().replace('\\', '/')));
            Files.copy(path, jar);
            jar.closeEntry();
          }
        }
      }
    }
    return file;
  }

  private static Matcher await(Path log, Pattern pattern, Process process)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START.toNanos();
    while (System.nanoTime() < deadline) {
      String text = Files.exists(log) ? Files.readString(log, StandardCharsets.UTF_8) : "";
      Matcher matcher = pattern.matcher(text);
      if (matcher.find()) {
        return matcher;
      }
      if (!process.isAlive()) {
        throw new IllegalStateException("the process ended early:\n" + text);
      }
      Thread.sleep(50);
    }
    throw new IllegalStateException("no '" + pattern + "' in time:\n" + Files.readString(log));
  }

  /** Ends a process and what it started. */
  private static void end(Process process) {
    List<ProcessHandle> children = process.descendants().toList();
    process.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
  }

  @Override
  public void close() {
    for (int i = processes.size() - 1; i >= 0; i--) {
      end(processes.get(i));
    }
    boolean interrupted = false;
    for (Process process : processes) {
      try {
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
          throw new IllegalStateException("process " + process.pid() + " does not end");
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
