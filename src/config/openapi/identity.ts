import { toPath } from '../../run/json.ts'
import { isCompatible } from './schema.ts'
import type { Shape } from './schema.ts'

/** Words that name a thing and nothing else; longer ones first. A name, a code or a title may be for people. */
const WORDS = ['number', 'uuid', 'guid', 'slug', 'uid', 'key', 'id']
/** Fields that answers wrap what they are about in. */
const WRAPPERS: ReadonlySet<string> = new Set(['data', 'result', 'item', 'resource', 'payload'])

const plain = (name: string): string => name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase()

/**
 * The field of an answer that an item's path parameter takes: of the same name; of the word that the parameter ends with
 * (`issue_number`: `number`); `id` where the parameter is the thing's noun alone; else the only field that names the thing.
 * A field that may name something else (`ownerId`) is never taken: a delete would go to a stranger. Dotted; null: the
 * answer does not show one.
 */
export function identityField(args: {
  answer: Shape
  /** Name and schema of the parameter. */
  parameter: string
  type: Shape
  /** Last literal part of the collection's path, e.g. `tickets`. */
  collection: string
}): string | null {
  const { answer, parameter, type, collection } = args
  const found = within(answer, parameter, type, collection)
  if (found !== null) return toPath([found])
  for (const [name, field] of answer.fields) {
    if (!WRAPPERS.has(plain(name)) && plain(name) !== toNoun(collection)) continue
    const inner = within(field.shape(), parameter, type, collection)
    if (inner !== null) return toPath([name, inner])
  }
  return null
}

function within(answer: Shape, parameter: string, type: Shape, collection: string): string | null {
  const usable = [...answer.fields].flatMap(([name, field]) => {
    const shape = field.shape()
    const fits = field.always && !shape.writeOnly && shape.kind === 'scalar' && isCompatible(shape, type)
    return fits ? [name] : []
  })
  const named = (wanted: string) => usable.find((name) => plain(name) === wanted)
  const wanted = plain(parameter)
  const exact = usable.find((name) => name === parameter) ?? named(wanted)
  if (exact !== undefined) return exact
  const noun = toNoun(collection)
  // A bare noun names the thing by whatever it has, which most often is an id.
  const word = wanted === noun ? 'id' : WORDS.find((each) => wanted.endsWith(each))
  if (word === undefined) return null
  return named(word) ?? only(usable, noun, word === 'id' ? WORDS : [word])
}

/** The only field that is one of the words, with or without the thing's noun before it. */
function only(usable: readonly string[], noun: string, words: readonly string[]): string | null {
  const names = new Set(words.flatMap((word) => [word, `${noun}${word}`]))
  const candidates = usable.filter((name) => names.has(plain(name)))
  return candidates.length === 1 ? (candidates[0] ?? null) : null
}

/** `tickets`: `ticket`; `categories`: `category`. */
function toNoun(collection: string): string {
  const name = plain(collection)
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`
  if (/(ss|sh|ch|x|z)es$/.test(name)) return name.slice(0, -2)
  return name.endsWith('s') && !name.endsWith('ss') ? name.slice(0, -1) : name
}
