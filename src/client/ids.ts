import { randomBytes } from 'node:crypto'
import { errors } from './errors.ts'

const LONGEST = 200

/**
 * Checks an id that a caller chose.
 * @throws RecourseError INVALID_ID
 */
export function checkRunId(id: unknown): string {
  if (typeof id !== 'string') throw errors.invalidId(String(id), `it is not text`)
  if (id === '') throw errors.invalidId(id, 'it is empty')
  if (id.length > LONGEST) throw errors.invalidId(id, `it has ${id.length} characters, and ${LONGEST} are the most`)
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]*$/.test(id)) {
    throw errors.invalidId(id, 'it must start with a letter or digit, and hold letters, digits and . _ : @ - only')
  }
  if (id.startsWith('undo-')) throw errors.invalidId(id, 'ids that start with "undo-" are those of undos')
  return id
}

/** A new id: `run-` and 80 random bits in letters that are not mistaken for each other. */
export function createRunId(): string {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz'
  return `run-${Array.from(randomBytes(16), (byte) => letters[byte & 31]).join('')}`
}
