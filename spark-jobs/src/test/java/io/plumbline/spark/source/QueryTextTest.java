package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QueryTextTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT a FROM t ORDER BY a",
        "select a from t order\n by a desc limit 10",
        "SELECT a FROM t ORDER /* by content */ BY a -- the end",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x ORDER BY a;",
        "SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1",
        "SELECT ')' AS a, r'\\' AS b, 'it\\'s' AS c FROM t ORDER BY a",
        "FROM t |> WHERE a > 1 |> ORDER BY a |> LIMIT 3",
      })
  void orderAtTheTopLevelIsSeen(String sql) {
    assertThat(QueryText.of(sql).endsInOrderBy()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT a FROM t",
        "SELECT a FROM (SELECT a FROM t ORDER BY a)",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t",
        "SELECT 'ORDER BY' AS a FROM t",
        "SELECT \"x ORDER BY y\" AS a FROM t",
        "SELECT a FROM t -- ORDER BY a",
        "SELECT a FROM t /* /* nested */ ORDER BY a */",
        "SELECT `order by` FROM t",
        "SELECT t.order, by FROM t",
        "SELECT a FROM t SORT BY a",
        "FROM t |> ORDER BY a |> AGGREGATE count(*) GROUP BY a",
      })
  void orderElsewhereIsNone(String sql) {
    assertThat(QueryText.of(sql).endsInOrderBy()).isFalse();
  }

  @Test
  void queriesAreToldFromCommands() {
    assertThat(QueryText.of("  select 1 ; ").sql()).isEqualTo("select 1");
    assertThat(QueryText.of("-- why\nSELECT 1").beginsLikeQuery()).isTrue();
    assertThat(QueryText.of("(SELECT 1) UNION (SELECT 2)").beginsLikeQuery()).isTrue();
    assertThat(QueryText.of("DROP TABLE t").beginsLikeQuery()).isFalse();
    assertThat(QueryText.of("").beginsLikeQuery()).isFalse();
    assertThat(QueryText.of("SELECT 1 -- one").asSubquery()).endsWith("\n)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"SELECT 'open", "SELECT /* open", "SELECT `open", "r'", "'\\", "--", ")"})
  void brokenTextEnds(String sql) {
    assertThat(QueryText.of(sql).endsInOrderBy()).isFalse();
  }
}
