package io.plumbline.spark.report;

import io.plumbline.storage.Storage;

/** Writes a training run's report: one HTML file that needs nothing beside it and no network. */
public final class Report {
  private Report() {}

  /** Writes the page to a path of any Hadoop file system, replacing what is there. */
  public static void write(Storage storage, String path, ReportData data) {
    page(data).write(storage, path);
  }

  /** The page as one string. */
  public static String render(ReportData data) {
    return page(data).render();
  }

  private static Page page(ReportData data) {
    return Page.titled(data.title())
        .kind("Plumbline report")
        .verdict(data.verdict())
        .style(Page.resource(Report.class, "report.css"))
        .script(Page.resource(Report.class, "metrics.js"))
        .script(Page.resource(Report.class, "report.js"))
        .data(data);
  }
}
