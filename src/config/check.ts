import type { RouteSpec } from '../run/agent.ts'
import { suggest } from './nearest.ts'
import { parseRoute, toShape } from './routes.ts'
import { NAME } from './schema.ts'
import type { AgentConfig, ParsedConfig } from './schema.ts'
import { showPath } from './show-path.ts'

/** Rules that span several parts of a config, or are finer than its shape. Answers one line for each problem. */
export function checkConfig(config: ParsedConfig): string[] {
  return [
    ...checkConnectors(config.connectors),
    ...checkTools(config),
    ...Object.entries(config.agents).flatMap(([name, agent]) => checkAgent(['agents', name], agent, config)),
  ]
}

/** Parts of an origin, or why it is none. */
export function parseOrigin(
  text: string,
): { origin: string; host: string; port: number; secure: boolean } | { error: string } {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { error: `"${text}" is not an http or https address; write one such as http://calendar.example.com` }
  }
  if (url.username !== '' || url.password !== '') {
    return { error: `the address of ${url.host} holds a credential; leave it out and set "auth"` }
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return { error: `"${text}" has a path; write ${url.origin} and put the path into each route` }
  }
  const secure = url.protocol === 'https:'
  return { origin: url.origin, host: url.hostname, port: Number(url.port) || (secure ? 443 : 80), secure }
}

function checkConnectors(connectors: ParsedConfig['connectors']): string[] {
  const problems: string[] = []
  const places = new Map<string, string>()
  for (const [name, connector] of Object.entries(connectors)) {
    const at = ['connectors', name]
    const url = parseOrigin(connector.url)
    if ('error' in url) problems.push(`${showPath([...at, 'url'])}: ${url.error}`)
    else if (url.secure) {
      problems.push(
        `${showPath([...at, 'url'])}: code cannot call https yet; write http://${url.host}, and ${url.origin} as "upstream"`,
      )
    } else {
      const place = `${url.host}:${url.port}`
      const other = places.get(place)
      if (other !== undefined) {
        problems.push(
          `${showPath([...at, 'url'])}: ${place} is the connector "${other}" already; make them one connector, or give this one a host name of its own and the address as "upstream"`,
        )
      }
      places.set(place, other ?? name)
    }
    if (typeof connector.upstream === 'string') {
      const upstream = parseOrigin(connector.upstream)
      if ('error' in upstream) problems.push(`${showPath([...at, 'upstream'])}: ${upstream.error}`)
    }
    problems.push(...checkRoutes([...at, 'routes'], connector))
  }
  return problems
}

function checkRoutes(at: string[], connector: ParsedConfig['connectors'][string]): string[] {
  const problems: string[] = []
  const shapes = new Map<string, string>()
  for (const [route, options] of Object.entries(connector.routes)) {
    let spec: RouteSpec
    try {
      spec = parseRoute(route, options)
    } catch (error) {
      problems.push(`${showPath([...at, route])}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    const other = shapes.get(toShape(spec))
    if (other !== undefined)
      problems.push(`${showPath([...at, route])}: matches the same requests as "${other}"; keep one`)
    shapes.set(toShape(spec), other ?? route)
  }
  return problems
}

function checkTools(config: ParsedConfig): string[] {
  const seen = new Set<string>()
  return config.tools.flatMap((tool, index) => {
    const at = showPath(['tools', index])
    if (!NAME.test(tool.name)) {
      return [`${at}.name: "${tool.name}" cannot be one; a name is a letter, then up to 62 letters, digits, _ or -`]
    }
    if (seen.has(tool.name)) return [`${at}: there is another tool "${tool.name}"; a name is used once`]
    seen.add(tool.name)
    return []
  })
}

function checkAgent(at: string[], agent: AgentConfig, config: ParsedConfig): string[] {
  const tools = config.tools.map((tool) => tool.name)
  const connectors = Object.keys(config.connectors)
  const problems = [
    ...unknown([...at, 'connectors'], 'connector', agent.connectors, connectors),
    ...unknown([...at, 'tools'], 'tool', agent.tools, tools),
  ]
  for (const tool of Object.keys(agent.responses.notFound)) {
    if (agent.tools.includes(tool)) continue
    const hint = tools.includes(tool) ? `; add it to ${showPath([...at, 'tools'])}` : suggest(tool, agent.tools)
    problems.push(`${showPath([...at, 'responses', 'notFound', tool])}: the agent has no tool "${tool}"${hint}`)
  }
  if (agent.mode === 'route' && agent.tools.length === 0) {
    problems.push(
      `${showPath([...at, 'mode'])}: mode 'route' picks tools and the agent has none; name some in ${showPath([...at, 'tools'])}`,
    )
  }
  return problems
}

function unknown(at: string[], what: string, names: readonly string[], known: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    if (names.indexOf(name) !== index) return [`${showPath([...at, index])}: "${name}" is named twice`]
    if (known.includes(name)) return []
    return [`${showPath([...at, index])}: there is no ${what} "${name}"${suggest(name, known)}`]
  })
}
