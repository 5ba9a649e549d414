// Where the page begins.

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { Page } from './Page.js'

createRoot(document.getElementById('monitor') as HTMLElement).render(<StrictMode><Page /></StrictMode>)
