/** One line of text in which nothing is Markdown: a model's words must not become links, images or headings. */
export function escapeMarkdown(line: string): string {
  return line.replaceAll(/[\\`*_[\]<>#|!]/g, String.raw`\$&`)
}

/** A code span, with a fence longer than any run of backticks inside. */
export function codeSpan(line: string): string {
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`
}
