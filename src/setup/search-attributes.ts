import type { Connection } from '@temporalio/client'
import proto from '@temporalio/proto'
import { SEARCH_ATTRIBUTES } from '../run/names.ts'
import { SetupProblem } from './problem.ts'

const { IndexedValueType } = proto.temporal.api.enums.v1
const ALREADY_EXISTS = 6
const PERMISSION_DENIED = 7
const UNIMPLEMENTED = 12
const UNAUTHENTICATED = 16

/** The names with the types as the command line of Temporal writes them, e.g. `['RecoursePhase', 'Keyword']`. */
export const searchAttributes: readonly (readonly [name: string, type: string])[] = Object.entries(
  SEARCH_ATTRIBUTES,
).map(([name, type]) => [name, `${type[0]}${type.slice(1).toLowerCase()}`])

/**
 * Registers the search attributes of runs in a namespace, where they are not there yet. Several workers may do so at the
 * same moment. Resolves when the server lists them all.
 * @throws SetupProblem when the server does not let us, or has one of another type.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const wanted = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => ({
    name,
    type: IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
  }))
  const commands = searchAttributes
    .map(
      ([name, type]) =>
        `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${type}`,
    )
    .join('\n')
  const refuse = (missing: string, cause?: unknown) =>
    new SetupProblem({
      missing,
      why: 'runs are listed and found by these attributes (those that wait for a decision, for instance)',
      fix: commands,
      cause,
    })
  const listMissing = async () => {
    const listed = await connection.operatorService.listSearchAttributes({ namespace })
    const present: Record<string, number> = { ...listed.customAttributes }
    for (const { name, type } of wanted) {
      if (present[name] !== undefined && present[name] !== type) {
        throw refuse(`Search attribute ${name} of namespace ${namespace} has another type; remove it first`)
      }
    }
    return wanted.filter(({ name }) => present[name] === undefined)
  }

  try {
    const missing = await listMissing()
    if (missing.length === 0) return
    await connection.operatorService
      .addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, type])),
      })
      .catch((error: unknown) => {
        if (codeOf(error) !== ALREADY_EXISTS) throw error
      })
    // The server answers before its own cache shows them.
    for (let left = 100; (await listMissing()).length > 0; left--) {
      if (left === 0) throw refuse(`Namespace ${namespace} does not show the search attributes that were just added`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } catch (error) {
    if ([PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED].includes(codeOf(error) ?? -1)) {
      throw refuse(`Search attributes are missing in namespace ${namespace}, and we may not add them`, error)
    }
    throw error
  }
}

function codeOf(error: unknown): number | null {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
    ? error.code
    : null
}
