import type { RunView } from '../../run/view.ts'
import { showRequest, showState } from './effect.ts'
import type { Style } from './style.ts'
import { oneLine, plain } from './text.ts'

/** What the run changed, field by field, for `diff`. */
export function renderDiff(run: RunView, style: Style): string {
  if (run.effects.length === 0) return `run ${plain(run.id)} has no effects`
  return run.effects
    .map((effect) => {
      const lines = [style('bold', `${effect.id}  ${showRequest(effect)}  (${showState(effect)})`)]
      for (const change of effect.diff) {
        const path = oneLine(change.path) || '(all of it)'
        if (change.before !== null) lines.push(style('red', `- ${path}: ${oneLine(change.before)}`))
        if (change.after !== null) lines.push(style('green', `+ ${path}: ${oneLine(change.after)}`))
      }
      if (effect.diff.length === 0) lines.push(`  ${whyEmpty(effect)}`)
      return lines.join('\n')
    })
    .join('\n')
}

/** The same as data. */
export function toDiff(run: RunView): object[] {
  return run.effects.map((effect) => ({
    effect: effect.id,
    connector: effect.request.connector,
    method: effect.request.method,
    target: effect.request.target,
    resource: effect.resource,
    state: effect.state,
    verdict: effect.verdict,
    changes: effect.diff,
  }))
}

function whyEmpty(effect: RunView['effects'][number]): string {
  if (effect.state === 'held') return 'held: nothing was sent yet'
  if (effect.state === 'discarded') return 'discarded: nothing was ever sent'
  if (effect.state === 'refused') return 'refused: nothing happened'
  if (effect.before?.state === 'unreadable' || effect.after?.state === 'unreadable')
    return 'the resource could not be read'
  if (effect.before === null || effect.after === null) return 'the resource was not read'
  return 'no field differs'
}
