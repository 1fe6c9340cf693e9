import type { SyntaxNode } from './syntax.ts'

/** What a name was bound to: a path it was imported from, or an expression, of which `members` are taken. */
export type Binding =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'expression'; readonly node: SyntaxNode; readonly members: readonly string[] }
  /** A parameter, a function, a loop variable: anything. */
  | { readonly kind: 'anything' }

export interface Reading {
  /** Paths that an expression may stand for, as far as is known of the names in it. */
  readonly resolve: (node: SyntaxNode) => readonly string[]
  /** Path of what `name` is in `path`. */
  readonly member: (path: string, name: string) => string
  /** Called when more is known of the names: what `resolve` remembers is out of date. */
  readonly forget: () => void
}

/** Most paths one name is followed to; a check, not a proof. */
const PATH_LIMIT = 8
/** Aliases of aliases, in an order that hides them, are followed so many times. */
const ROUND_LIMIT = 40
const DEPTH_LIMIT = 100

/** The code's names mean each other in ways that nobody could follow. */
export class TooEntangled extends Error {}

/**
 * All that each name is ever bound to, whatever the scope or the order. It errs towards seeing too much: a name that is
 * a module anywhere counts as that module everywhere.
 */
export class Names {
  readonly #bindings = new Map<string, Binding[]>()
  readonly #paths = new Map<string, ReadonlySet<string>>()
  readonly #shadowed = new Set<string>()
  readonly #following = new Set<string>()

  bind(name: string, binding: Binding): void {
    const list = this.#bindings.get(name)
    if (list) list.push(binding)
    else this.#bindings.set(name, [binding])
  }

  /** Declares that the whole code means something of its own by `name`, not the language's. */
  shadow(name: string): void {
    this.#shadowed.add(name)
  }

  isShadowed(name: string): boolean {
    return this.#shadowed.has(name)
  }

  isBound(name: string): boolean {
    return this.#bindings.has(name)
  }

  /** Finds the paths of all names, again and again until nothing is added. @throws TooEntangled */
  settle({ resolve, member, forget }: Reading): void {
    for (let round = 0; round < ROUND_LIMIT; round += 1) {
      forget()
      let added = false
      for (const [name, bindings] of this.#bindings) {
        const paths = new Set(this.#paths.get(name))
        const before = paths.size
        for (const binding of bindings) {
          if (binding.kind === 'path') paths.add(binding.path)
          if (binding.kind !== 'expression') continue
          for (const path of resolve(binding.node)) {
            if (paths.size < PATH_LIMIT) paths.add(binding.members.reduce(member, path))
          }
        }
        if (paths.size === before) continue
        this.#paths.set(name, paths)
        added = true
      }
      if (!added) return
    }
    throw new TooEntangled()
  }

  /** Paths that `name` may stand for. */
  pathsOf(name: string): string[] {
    return [...(this.#paths.get(name) ?? [])]
  }

  /** What `name` stands for where it is bound once, to one expression; null within its own definition. */
  only<T>(name: string, read: (node: SyntaxNode) => T): T | null {
    const bindings = this.#bindings.get(name)
    const [binding] = bindings ?? []
    if (bindings?.length !== 1 || binding?.kind !== 'expression' || binding.members.length > 0) return null
    if (this.#following.has(name)) return null
    if (this.#following.size >= DEPTH_LIMIT) throw new TooEntangled()
    this.#following.add(name)
    try {
      return read(binding.node)
    } finally {
      this.#following.delete(name)
    }
  }
}
