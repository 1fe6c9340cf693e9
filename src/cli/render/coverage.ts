import type { Coverage, RouteCoverage, UndoClass } from '../../config/openapi/coverage.ts'
import type { Style } from './style.ts'
import { oneLine, table } from './text.ts'

const COLOURS = { read: 'dim', exact: 'green', inverse: 'green', generated: 'yellow', none: 'red' } as const

/** A table of all routes, and what share of those that change something can be undone. */
export function renderCoverage({ routes, reads, writes, counts, percent }: Coverage, style: Style): string {
  if (routes.length === 0) return 'the document describes no routes'
  const lines = table(routes.map(({ route, undo, reason }) => [oneLine(route), undo, oneLine(reason)])).split('\n')
  const shares = (Object.keys(counts) as UndoClass[])
    .map((undo) => `${undo} ${counts[undo]} (${percent[undo]} %)`)
    .join(', ')
  return [
    ...lines.map((line, index) => paint(line, routes[index], style)),
    '',
    `${plural(reads, 'read')}, ${plural(writes, 'route that changes something', 'routes that change something')}${writes > 0 ? `: ${shares}` : ''}`,
    ...(counts.generated > 0
      ? ['generated: code that a model writes could undo it; until there is that, such an effect is asked about first']
      : []),
  ].join('\n')
}

/** Coloured after aligning: escape codes have no width. */
function paint(line: string, covered: RouteCoverage | undefined, style: Style): string {
  if (!covered) return line
  const at = oneLine(covered.route).length
  return line.slice(0, at) + line.slice(at).replace(covered.undo, (undo) => style(COLOURS[covered.undo], undo))
}

const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
