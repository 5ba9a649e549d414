// Dark or light: as the system has it, or as somebody chose for this browser.

import { useEffect, useState } from 'react'

export const THEMES = ['auto', 'dark', 'light'] as const
export type Theme = (typeof THEMES)[number]
const KEY = 'onair theme'

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => THEMES.find((one) => one === localStorage.getItem(KEY)) ?? 'auto')
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
    localStorage.setItem(KEY, theme)
  }, [theme])
  return [theme, setTheme]
}
