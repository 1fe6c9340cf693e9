import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROLES, type Role } from './config.ts'
import { digestOfText } from './text.ts'

/** A role's prompt: one Markdown file, versioned; its digest is kept with what it produced. */
export interface Prompt {
  readonly role: Role
  readonly version: string
  /** Of the whole file, front matter included. */
  readonly digest: string
  /** @throws Error for a `{{placeholder}}` without a value. Values are put in once: placeholders inside them stay text. */
  render(values: Readonly<Record<string, string>>): string
}

export type Prompts = Readonly<Record<Role, Prompt>>

/** Reads every role's prompt once. Default folder: `prompts/` of this package, from its sources or its build. */
export function loadPrompts(folder: string = findPromptsFolder()): Prompts {
  const entries = ROLES.map((role) => {
    const path = join(folder, `${role}.md`)
    return [role, parsePrompt(role, path, readFileSync(path, 'utf8'))] as const
  })
  return Object.fromEntries(entries) as Record<Role, Prompt>
}

export function parsePrompt(role: Role, path: string, source: string): Prompt {
  const front = /^---\n([\s\S]*?)\n---\n+/.exec(source)
  const version = front && /^version:\s*(\S+)\s*$/m.exec(front[1] ?? '')?.[1]
  if (!front || !version) {
    throw new Error(`The prompt ${path} must start with a front matter that names its version:\n---\nversion: 1\n---`)
  }
  const body = source.slice(front[0].length).trim()
  return {
    role,
    version,
    digest: digestOfText(source),
    render(values) {
      return body.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
        const value = values[name]
        if (value === undefined) {
          const known = Object.keys(values).join(', ') || 'none'
          throw new Error(
            `The prompt ${path} has {{${name}}}, which the ${role} does not fill in. It fills in: ${known}`,
          )
        }
        return value
      })
    },
  }
}

function findPromptsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'prompts')
    const parent = dirname(folder)
    if (parent === folder) throw new Error('No package.json above this module: the folder prompts/ can not be found')
    folder = parent
  }
}
