/** Log lines for people; what is not a log line, such as a stack trace of the runtime, stays as it is. */

/** A JSON log line as a person reads it: `12:34:56 info  the node serves port=7373`. */
export function readableLogLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line);
  } catch {
    return line.trimEnd();
  }
  const { level, time, msg, ...fields } = entry;
  const values = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${new Date(Number(time)).toTimeString().slice(0, 8)} ${String(level).padEnd(5)} ${msg}${values.join('')}`;
}
