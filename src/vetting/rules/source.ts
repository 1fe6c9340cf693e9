import type { VetFinding } from '../../run/view.ts'
import type { Fact } from '../fact.ts'

/** What is wrong with code as text, in any language: things made so that a person does not see them. */

const LINE_LIMIT = 2_000
const OPAQUE_LIMIT = 400

export function findInSource(code: string): VetFinding[] {
  const findings: VetFinding[] = []
  for (const [index, line] of code.split('\n').entries()) {
    const add = (rule: string, permission: VetFinding['permission'], reason: string) =>
      findings.push({ rule, permission, line: index + 1, reason })
    if (line.length > LINE_LIMIT) add('long-line', 'ask', `a line of ${line.length} characters hides what it does`)
    if (/[\u202a-\u202e\u2066-\u2069]/.test(line)) {
      add('bidirectional-text', 'deny', 'control characters make the code look different from what it is')
    }
    // PEP 263: the interpreter would decode the file differently from what was checked.
    const coding = index < 2 ? /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/.exec(line)?.[1] : undefined
    if (coding !== undefined && !/^(utf[-_]?8|ascii|us-ascii)$/i.test(coding)) {
      add('source-encoding', 'deny', `declares the encoding ${coding}; write UTF-8`)
    }
  }
  return findings
}

/** A long text without a single space or punctuation mark is data that nobody can read: code, often enough. */
export function isOpaque(fact: Fact): boolean {
  return fact.kind === 'text' && fact.value.length >= OPAQUE_LIMIT && /^[A-Za-z0-9+/=_\\-]+$/.test(fact.value)
}
