// The token, where somebody gave one: for this window only.

const KEY = 'onair token'

export function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined
}

export function keepToken(given: string): void {
  sessionStorage.setItem(KEY, given)
}
