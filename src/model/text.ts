import { createHash } from 'node:crypto'

/** `sha256:` and hex of a text's UTF-8 bytes. */
export function digestOfText(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/**
 * Data for a prompt, marked off so that nothing in it can be read as its end: the mark is a digest of the data itself.
 * `kind` is the tag (`input`, `evidence`, `code`), `note` follows it on the opening line.
 */
export function fenceData(kind: string, text: string, note = ''): string {
  const tag = `${kind}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
  return `<${tag}${note ? ` ${note}` : ''}>\n${text}\n</${tag}>`
}

/** At most `limit` characters; what was cut is said, in the middle, because both ends of a text tell the most. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  const half = Math.max(1, Math.floor((limit - 40) / 2))
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(-half)}`
}
