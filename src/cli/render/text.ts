// What models and services wrote must not move the cursor, ring, hide or reverse text on somebody's terminal.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Text that is safe to print: control characters are shown, not sent. Lines stay. */
export function plain(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Text in one line of at most `width` characters. */
export function oneLine(text: string, width = Infinity): string {
  const line = plain(text.replaceAll(/\s+/g, ' ').trim())
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line
}

export function indent(text: string, by = '  '): string {
  return text.replaceAll(/^(?=.)/gm, by)
}

/** Columns as wide as their widest cell, the last one as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n')
}
