/** `agents.assistant.policy`, `connectors.calendar.routes["PATCH /x"].undo`, `tools[0]`. */
export function showPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the config'
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const key = String(part)
    if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}
