package io.plumbline.reward;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.SpecVersionDetector;
import com.networknt.schema.regex.RegularExpression;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A JSON Schema, of the draft that its {@code $schema} names, by default 2020-12. Nothing is
 * fetched for it: a {@code $ref} has to stay within it. Formats are checked.
 */
final class JsonSchemaCheck {
  private static final Duration PATTERN_LIMIT = Duration.ofSeconds(1);

  private static final SchemaValidatorsConfig CONFIG =
      SchemaValidatorsConfig.builder()
          .failFast(true)
          .formatAssertionsEnabled(true)
          .regularExpressionFactory(JsonSchemaCheck::bounded)
          .build();

  private final JsonSchema schema;

  private JsonSchemaCheck(JsonSchema schema) {
    this.schema = schema;
  }

  /** Fails with a {@link ScoringException} where it is no schema. */
  static JsonSchemaCheck of(JsonNode node) {
    if (!node.isObject() && !node.isBoolean()) {
      throw new ScoringException("the schema is neither a JSON object nor true or false");
    }
    VersionFlag version =
        node.isObject()
            ? SpecVersionDetector.detectOptionalVersion(node, false).orElse(VersionFlag.V202012)
            : VersionFlag.V202012;
    JsonSchemaFactory factory =
        JsonSchemaFactory.getInstance(
            version,
            builder ->
                builder.schemaLoaders(
                    loaders ->
                        loaders.add(
                            iri -> {
                              if (iri.toString().startsWith("classpath:")) {
                                // The drafts' own schemas, which the library carries.
                                return null;
                              }
                              throw new JsonSchemaException(
                                  "a $ref leads out of the schema, and nothing is fetched");
                            })));
    try {
      if (!factory.getSchema(SchemaLocation.of(version.getId()), CONFIG).validate(node).isEmpty()) {
        throw new ScoringException("the schema is none of its draft: check its keywords");
      }
      JsonSchema schema = factory.getSchema(node, CONFIG);
      schema.initializeValidators();
      return new JsonSchemaCheck(schema);
    } catch (JsonSchemaException e) {
      throw new ScoringException("the schema cannot be used: " + e.getMessage(), e);
    }
  }

  boolean satisfiedBy(JsonNode json) {
    try {
      return schema.validate(json).isEmpty();
    } catch (JsonSchemaException e) {
      throw new ScoringException("the schema cannot be used: " + e.getMessage(), e);
    }
  }

  private static RegularExpression bounded(String regex) {
    Pattern pattern;
    try {
      pattern = Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw new JsonSchemaException("a pattern in it cannot be read");
    }
    return text -> {
      try {
        return WatchedText.search(pattern, text, PATTERN_LIMIT, Matcher::find);
      } catch (ScoringException e) {
        // The one exception that the library passes on without a line in the log.
        throw new JsonSchemaException(e.getMessage());
      }
    };
  }
}
