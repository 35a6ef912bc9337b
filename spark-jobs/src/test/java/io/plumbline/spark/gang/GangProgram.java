package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;
import java.time.Duration;
import org.apache.spark.sql.SparkSession;

/** What the tests submit to a cluster. */
public final class GangProgram {
  private GangProgram() {}

  public static void main(String[] args) {
    String mode = args[0];
    SparkSession.Builder builder = SparkSession.builder().appName("gang " + mode);
    Gang.recommendedSettings().forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    try {
      String result =
          Gang.run(
              spark,
              new Gang.Settings(mode.equals("too-many") ? 3 : 2, Duration.ofMinutes(1)),
              member -> work(member, mode),
              line -> System.out.println("HEARD " + line));
      System.out.println("RESULT " + result);
    } catch (PlumblineException e) {
      System.out.println("FAILED " + e.code() + ": " + e.getMessage());
    } finally {
      spark.stop();
    }
  }

  private static String work(GangMember member, String mode) throws InterruptedException {
    member.publish("rank " + member.rank() + " attempt " + member.attempt());
    if (mode.equals("bad-data") && member.rank() == 1) {
      throw new PlumblineException(ErrorCode.BAD_DATA, "Row 3 is empty.");
    }
    FloatBuffer values = FloatBuffer.allocate(1_000_000);
    for (int step = 0; step < 30; step++) {
      member.checkInterrupted();
      values.put(5, member.rank() + 1);
      member.collective().allReduceSum(values);
      if (mode.equals("kill") && member.attempt() == 0 && member.rank() == 1 && step == 10) {
        // Nothing of this process gets to say goodbye, as after kill -9.
        Runtime.getRuntime().halt(137);
      }
      Thread.sleep(10);
    }
    return "attempt " + member.attempt() + " sum " + values.get(5);
  }
}
