package io.plumbline;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A package uses only those below it. */
class LayersArchitectureTest {
  /** Lowest first. */
  private static final List<String> CORE =
      List.of(
          "jinja",
          "error",
          "base",
          "settings",
          "storage",
          "parquet",
          "tensor",
          "collective",
          "text",
          "data",
          "checkpoint",
          "model",
          "statistics",
          "objective",
          "optim",
          "reward",
          "advantage",
          "mine",
          "train",
          "rollout");

  private static JavaClasses classes;

  @BeforeAll
  static void readClasses() {
    classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            // Core's tests come as a jar, whose name is all that tells.
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("io.plumbline");
  }

  static List<String> core() {
    return CORE;
  }

  @ParameterizedTest
  @MethodSource("core")
  void corePackagesUseOnlyThoseBelowThem(String name) {
    List<String> above = new ArrayList<>();
    CORE.subList(CORE.indexOf(name) + 1, CORE.size())
        .forEach(other -> above.add("io.plumbline." + other + ".."));
    above.add("io.plumbline.spark..");
    above.add("org.apache.spark..");

    noClasses()
        .that()
        .resideInAPackage("io.plumbline." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(above.toArray(String[]::new))
        .check(classes);
  }

  @Test
  void theOrderNamesEveryPackageOfCore() {
    Set<String> packages =
        classes.stream()
            .map(c -> c.getPackageName())
            .filter(p -> p.startsWith("io.plumbline.") && !p.startsWith("io.plumbline.spark"))
            .map(p -> p.substring("io.plumbline.".length()).replaceAll("\\..*", ""))
            .collect(Collectors.toSet());

    assertThat(packages).isNotEmpty();
    assertThat(CORE).containsAll(packages);
  }

  @Test
  void theTemplateLanguageUsesJavaAlone() {
    classes()
        .that()
        .resideInAPackage("io.plumbline.jinja..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("io.plumbline.jinja..", "java..")
        .check(classes);
  }

  @Test
  void packagesFormNoCircle() {
    slices().matching("io.plumbline.(**)").should().beFreeOfCycles().check(classes);
  }

  @Test
  void sparkPackagesFormNoCircle() {
    slices().matching("io.plumbline.spark.(*)..").should().beFreeOfCycles().check(classes);
  }

  @Test
  void inferenceKnowsNoneOfItsUsers() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "io.plumbline.spark.inference..",
            "io.plumbline.spark.progress..",
            "io.plumbline.spark.run..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.plumbline.spark.evaluate..",
            "io.plumbline.spark.mine..",
            "io.plumbline.spark.training..")
        .check(classes);
  }

  @Test
  void onlyTheCommandLineKnowsTheCommandLine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.plumbline.spark.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.plumbline.spark.cli..", "picocli..", "org.yaml..")
        .check(classes);
  }

  @Test
  void commandsUsePipelinesAndBothUseOptions() {
    String cli = "io.plumbline.spark.cli";
    List<String> order = List.of("terminal", "options", "pipeline", "commands", "");
    for (int i = 0; i < order.size() - 1; i++) {
      noClasses()
          .that()
          .resideInAPackage(cli + "." + order.get(i))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              order.subList(i + 1, order.size()).stream()
                  .map(above -> above.isEmpty() ? cli : cli + "." + above)
                  .toArray(String[]::new))
          .check(classes);
    }
  }

  @Test
  void gangPrepareAndReferenceKnowNothingOfTraining() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "io.plumbline.spark.gang..",
            "io.plumbline.spark.prepare..",
            "io.plumbline.spark.reference..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.plumbline.spark.training..")
        .check(classes);
  }
}
