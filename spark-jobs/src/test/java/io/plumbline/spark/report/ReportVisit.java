package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a person does with a report, in a browser; at the end it must have complained of nothing.
 */
public final class ReportVisit {
  /** Set by scripts that hostile texts try to run. */
  public static final String OWNED = "window.owned";

  private final Browser browser;

  private ReportVisit(Browser browser) {
    this.browser = browser;
  }

  /** Looks at a page in a window of a width, with the colours that the system prefers. */
  public static ReportVisit of(Browser browser, Path file, int width, String colours) {
    browser.window(width, 900);
    browser.prefers(colours);
    browser.open(file);
    return new ReportVisit(browser);
  }

  /** Nothing stands out to the side, nothing ran, nothing was asked for, nothing went wrong. */
  public void everythingIsInOrder() {
    browser.frames();
    assertThat(browser.complaints()).isEmpty();
    assertThat(browser.evaluate("String(" + OWNED + ")").textValue()).isEqualTo("undefined");
    assertThat(
            browser
                .evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth")
                .intValue())
        .as("the page is wider than its window: %s", tooWide())
        .isLessThanOrEqualTo(0);
    assertThat(
            browser
                .evaluate(
                    "document.querySelectorAll('img, iframe, object, [onerror], main script').length")
                .intValue())
        .as("markup out of a text")
        .isZero();
  }

  private JsonNode tooWide() {
    return browser.evaluate(
        "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right >"
            + " document.documentElement.clientWidth + 1 && !e.closest('.scroll, .hidden'))"
            + ".slice(0, 3).map((e) => e.outerHTML.slice(0, 200))");
  }

  /** Whether an element below the head has a text in it, letter by letter. */
  public boolean shows(String text) {
    return browser
        .evaluate(
            "[...document.querySelectorAll('main *')].some((e) => e.children.length === 0 &&"
                + " e.textContent.includes("
                + quoted(text)
                + "))")
        .booleanValue();
  }

  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    text.chars().forEach(c -> quoted.append(String.format("\\u%04x", c)));
    return quoted.append('"').toString();
  }

  /** Presses everything that can be pressed, where it is. */
  public int pressesEverything() {
    int pressed = 0;
    int all =
        browser
            .evaluate(
                "(window.pressable = [...document.querySelectorAll('button, summary, a[href],"
                    + " input[type=checkbox], input[type=radio], input[type=range]')]).length")
            .intValue();
    for (int i = 0; i < all; i++) {
      JsonNode at =
          browser.evaluate(
              "(() => { const e = window.pressable["
                  + i
                  + "]; if (!e.isConnected || e.disabled || !e.checkVisibility()) return null;"
                  + " const target = e.matches('.themes input') ? e.parentNode : e;"
                  + " target.scrollIntoView({ block: 'center' });"
                  + " const b = target.getBoundingClientRect();"
                  + " return [b.left + b.width / 2, b.top + b.height / 2, b.width]; })()");
      // A link for those who jump over the head is off the screen until it has the focus.
      if (at.isArray() && at.get(0).doubleValue() > 0) {
        browser.click(at.get(0).doubleValue(), at.get(1).doubleValue());
        pressed++;
      }
    }
    browser.evaluate(
        "document.querySelectorAll('select').forEach((select) => { for (const option of"
            + " select.options) { select.value = option.value; select.dispatchEvent(new"
            + " Event('change', { bubbles: true })); } select.selectedIndex = 0;"
            + " select.dispatchEvent(new Event('change', { bubbles: true })); })");
    browser.frames();
    return pressed;
  }

  /** The middle of a chart's drawing area, scrolled to, and half its width. */
  private double[] chart(int number) {
    browser.evaluate(
        "document.querySelectorAll('.plot .u-over')["
            + number
            + "].scrollIntoView({ block: 'center' })");
    browser.frames();
    JsonNode box =
        browser.evaluate(
            "(() => { const b = document.querySelectorAll('.plot .u-over')["
                + number
                + "].getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2,"
                + " b.width / 2]; })()");
    return new double[] {
      box.get(0).doubleValue(), box.get(1).doubleValue(), box.get(2).doubleValue()
    };
  }

  private int charts() {
    return browser.evaluate("document.querySelectorAll('.plot .u-over').length").intValue();
  }

  /** The texts beside the pointer, of charts that show one. */
  public List<String> tips() {
    List<String> tips = new ArrayList<>();
    browser
        .evaluate(
            "[...document.querySelectorAll('.tip')].filter((e) => !e.hidden).map((e) => e.innerText)")
        .forEach(tip -> tips.add(tip.textValue()));
    return tips;
  }

  /** Points at every chart; each tells its values, and the others of its group tell theirs. */
  public int pointsAtEveryChart() {
    int charts = charts();
    for (int i = 0; i < charts; i++) {
      double[] at = chart(i);
      browser.mouse("mouseMoved", at[0] + 3, at[1], 0);
      browser.frames();
      assertThat(tips()).as("chart %d", i).hasSize(1);
      assertThat(tips().get(0))
          .matches("(?s)(steps? [0-9,–]+|.* to .*|above .*|below .*)\n.*[0-9–].*");
    }
    browser.mouse("mouseMoved", 2, 2, 0);
    browser.frames();
    assertThat(tips()).isEmpty();
    return charts;
  }

  private boolean zoomed() {
    browser.frames();
    return !browser
        .evaluate(
            "[...document.querySelectorAll('.toolbar button')].find((b) => b.textContent === 'Reset"
                + " zoom').disabled")
        .booleanValue();
  }

  /** What a screen reader is told. */
  private String said() {
    browser.frames();
    return browser.evaluate("document.querySelector('[aria-live=polite]').textContent").textValue();
  }

  private double[] steps() {
    browser.frames();
    JsonNode tip = browser.evaluate("document.querySelector('.tip').firstChild.textContent");
    return Pattern.compile("[0-9,]+")
        .matcher(tip.textValue())
        .results()
        .mapToDouble(found -> Double.parseDouble(found.group().replace(",", "")))
        .toArray();
  }

  /** Drags over a part of the first chart and comes back by two clicks; then the same by keys. */
  public void zoomsByMouseAndKeys() {
    double[] at = chart(0);
    double left = at[0] - at[2] * 0.5;
    browser.mouse("mouseMoved", left, at[1], 0);
    double stepBefore = steps()[0];
    browser.mouse("mousePressed", left, at[1], 1);
    browser.mouse("mouseMoved", at[0], at[1], 1);
    browser.mouse("mouseMoved", at[0] + at[2] * 0.5, at[1], 1);
    browser.mouse("mouseReleased", at[0] + at[2] * 0.5, at[1], 1);
    assertThat(zoomed()).as("zoomed by dragging").isTrue();
    browser.mouse("mouseMoved", at[0] - at[2] * 0.9, at[1], 0);
    assertThat(steps()[0]).as("the left end is another step").isGreaterThanOrEqualTo(stepBefore);
    browser.click(at[0], at[1]);
    browser.mouse("mousePressed", at[0], at[1], 2);
    browser.mouse("mouseReleased", at[0], at[1], 2);
    assertThat(zoomed()).as("two clicks show all").isFalse();
    browser.mouse("mouseMoved", 2, 2, 0);

    browser.evaluate("document.querySelector('.plot').focus()");
    browser.key("Home");
    String first = said();
    assertThat(first).startsWith("step");
    browser.key("End");
    assertThat(said()).startsWith("step").isNotEqualTo(first);
    browser.key("ArrowLeft");
    browser.key("+");
    assertThat(zoomed()).as("zoomed by a key").isTrue();
    browser.key("Escape");
    assertThat(zoomed()).isFalse();
    browser.evaluate("document.activeElement.blur()");
    browser.frames();
    assertThat(tips()).isEmpty();
  }

  /** One finger reads values, two zoom. */
  public void readsAndZoomsByTouch() {
    double[] at = chart(0);
    browser.touch("touchStart", new double[] {at[0], at[1]});
    browser.touch("touchMove", new double[] {at[0] + 20, at[1]});
    browser.frames();
    assertThat(tips()).singleElement().asString().startsWith("step");
    browser.touch("touchEnd");
    browser.touch("touchStart", new double[] {at[0] - 20, at[1]}, new double[] {at[0] + 20, at[1]});
    browser.touch("touchMove", new double[] {at[0] - 60, at[1]}, new double[] {at[0] + 60, at[1]});
    browser.touch("touchEnd");
    assertThat(zoomed()).as("zoomed by two fingers").isTrue();
    browser.evaluate(
        "[...document.querySelectorAll('.toolbar button')].find((b) => b.textContent === 'Reset"
            + " zoom').click()");
    assertThat(zoomed()).isFalse();
  }

  /** What a list says of how many of its items it shows: those of the section with a heading. */
  public String status(String heading) {
    return browser
        .evaluate(section(heading) + ".querySelector('[role=status]').textContent")
        .textValue();
  }

  /** Types into a field of a section's list, in place of what was there. */
  public void fills(String heading, String label, String text) {
    browser.evaluate(
        "(() => { const field = [..."
            + section(heading)
            + ".querySelectorAll('.control')].find((e) => e.firstChild.textContent === "
            + quoted(label)
            + ").lastChild; field.scrollIntoView({ block: 'center' }); field.focus();"
            + " field.select(); document.execCommand('delete'); })()");
    if (!text.isEmpty()) {
      browser.type(text);
    }
    browser.frames();
  }

  /** Takes an option of a section's list by its words. */
  public void chooses(String heading, String words) {
    browser.evaluate(
        "(() => { for (const select of "
            + section(heading)
            + ".querySelectorAll('select')) for (const option of select.options) if"
            + " (option.textContent === "
            + quoted(words)
            + ") { select.value = option.value; select.dispatchEvent(new Event('change')); return; }"
            + " throw new Error('no such option'); })()");
    browser.frames();
  }

  /** The texts of elements within a section. */
  public List<String> texts(String heading, String selector) {
    List<String> texts = new ArrayList<>();
    browser
        .evaluate(
            "[..."
                + section(heading)
                + ".querySelectorAll("
                + quoted(selector)
                + ")].map((e) => e.textContent)")
        .forEach(text -> texts.add(text.textValue()));
    return texts;
  }

  private static String section(String heading) {
    return "[...document.querySelectorAll('main section')].find((s) =>"
        + " s.querySelector('h2').textContent === "
        + quoted(heading)
        + ")";
  }

  /** Headings of the page's sections. */
  public List<String> sections() {
    List<String> headings = new ArrayList<>();
    browser
        .evaluate("[...document.querySelectorAll('main h2')].map((e) => e.textContent)")
        .forEach(text -> headings.add(text.textValue()));
    return headings;
  }

  /** Metrics that the page has no words for. */
  public List<String> unexplained() {
    List<String> unexplained = new ArrayList<>();
    browser
        .evaluate(
            "[...document.querySelectorAll('.meaning p')].map((e) => e.textContent).filter((t) =>"
                + " t.includes('no words for'))")
        .forEach(text -> unexplained.add(text.textValue()));
    return unexplained;
  }
}
