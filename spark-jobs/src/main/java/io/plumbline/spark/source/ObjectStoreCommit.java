package io.plumbline.spark.source;

import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.spark.internal.io.FileNameSpec;
import org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * How Spark's own writers put files on an object store: straight under their final names, without
 * the renaming of directories that Spark does by default and that an object store can only imitate
 * by copying. Names carry the attempt, so that two attempts at a task never write the same object;
 * when the job ends, what no successful attempt named is deleted. A directory is complete only with
 * the marker that its writer adds behind (generate.json, manifest.json). Local files and HDFS are
 * written as Spark always does.
 */
public final class ObjectStoreCommit extends SQLHadoopMapReduceCommitProtocol {
  private static final long serialVersionUID = 1L;

  private final String job;
  private final String directory;
  private final boolean inPlace;

  /** What the attempt of a task has begun to write, in its executor. */
  private transient List<String> files = new ArrayList<>();

  /** As Spark makes it, by reflection. */
  public ObjectStoreCommit(String job, String directory, boolean dynamicPartitionOverwrite) {
    super(job, directory, dynamicPartitionOverwrite);
    this.job = job;
    this.directory = directory;
    this.inPlace = !dynamicPartitionOverwrite && Storage.isObjectStore(directory);
  }

  @Override
  public void setupJob(JobContext context) {
    if (!inPlace) {
      super.setupJob(context);
    }
  }

  @Override
  public void setupTask(TaskAttemptContext context) {
    files = new ArrayList<>();
    if (!inPlace) {
      super.setupTask(context);
    }
  }

  @Override
  public String newTaskTempFile(
      TaskAttemptContext context, Option<String> partition, FileNameSpec name) {
    if (!inPlace) {
      return super.newTaskTempFile(context, partition, name);
    }
    String file =
        String.format(
            Locale.ROOT,
            "%spart-%05d-%s-a%d%s",
            name.prefix(),
            context.getTaskAttemptID().getTaskID().getId(),
            job,
            context.getTaskAttemptID().getId(),
            name.suffix());
    String parent = partition.isDefined() ? Storage.join(directory, partition.get()) : directory;
    String path = Storage.join(parent, file);
    files.add(path);
    return path;
  }

  @Override
  public TaskCommitMessage commitTask(TaskAttemptContext context) {
    return inPlace ? new TaskCommitMessage(new ArrayList<>(files)) : super.commitTask(context);
  }

  @Override
  public void abortTask(TaskAttemptContext context) {
    if (!inPlace) {
      super.abortTask(context);
      return;
    }
    Storage storage = Storage.of(context.getConfiguration());
    files.forEach(storage::delete);
  }

  @Override
  public void commitJob(JobContext context, Seq<TaskCommitMessage> messages) {
    if (!inPlace) {
      super.commitJob(context, messages);
      return;
    }
    Set<String> named = new HashSet<>();
    for (TaskCommitMessage message : CollectionConverters.asJava(messages)) {
      for (Object file : (List<?>) message.obj()) {
        named.add(new Path((String) file).getName());
      }
    }
    deleteOwn(context.getConfiguration(), named);
  }

  @Override
  public void abortJob(JobContext context) {
    if (inPlace) {
      deleteOwn(context.getConfiguration(), Set.of());
    } else {
      super.abortJob(context);
    }
  }

  /** Deletes the files of this job but those of some names. */
  private void deleteOwn(Configuration configuration, Set<String> but) {
    Storage storage = Storage.of(configuration);
    if (!storage.exists(directory)) {
      return;
    }
    for (Storage.Entry file : storage.expand(directory)) {
      String name = new Path(file.path()).getName();
      if (name.contains(job) && !but.contains(name)) {
        storage.delete(file.path());
      }
    }
  }
}
