import type { AgentSnapshot, ConnectorSnapshot, Policy, RouteSpec } from '../run/agent.ts'
import { strictest } from '../run/permission.ts'

/** An agent as prompts describe it. The same agent gives the same text, so that providers' prompt caches hit. */

export function toAgentText(agent: AgentSnapshot): string {
  return agent.description ? `${agent.name}: ${agent.description}` : agent.name
}

export function toConnectorsText({ connectors, policy }: AgentSnapshot): string {
  if (connectors.length === 0) return 'None.'
  return connectors.map((connector) => toConnectorText(connector, policy)).join('\n\n')
}

function toConnectorText({ name, url, description, routes }: ConnectorSnapshot, policy: Policy): string {
  const lines = routes.map((route) => `- \`${route.route}\`: ${toRouteText(route, policy)}`)
  if (lines.length === 0) lines.push('- no routes are declared')
  return [`## ${name}`, `URL: ${url}`, ...(description ? [description] : []), ...lines].join('\n')
}

function toRouteText(
  { read, permission: own = 'allow', irreversible, undo, standIn }: RouteSpec,
  policy: Policy,
): string {
  const permission = read ? own : strictest(own, policy.effects)
  if (permission === 'deny') return 'may not be called'
  if (read) return 'reads'
  const notes = ['changes something']
  if (undo) notes.push(`undone by ${undo.method} ${undo.template}`)
  if (irreversible) notes.push('can not be undone')
  if (permission === 'ask') notes.push('a person is asked first')
  if (permission === 'hold') {
    const { status, body } = standIn ?? { status: 202, body: 'the JSON object that was sent, with an id' }
    notes.push(`held until the run is confirmed, answered meanwhile with ${status} and ${JSON.stringify(body)}`)
  }
  return notes.join('; ')
}

export function toToolsText({ tools }: AgentSnapshot): string {
  if (tools.length === 0) return 'None.'
  return tools
    .map(({ name, description, input, effects }) =>
      [
        `## ${name}`,
        `${description} (${effects === 'reads' ? 'only reads' : 'changes something'})`,
        `Arguments: ${JSON.stringify(input)}`,
      ].join('\n'),
    )
    .join('\n\n')
}
