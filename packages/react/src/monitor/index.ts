// The monitor: a whole page about a production, or a part of somebody's own (rows M1 to M4).

export { Monitor, type MonitorProps } from './Monitor.js'
export { StateMonitor, type MonitorPosition, type StateMonitorProps } from './StateMonitor.js'
export { STOP_KEY } from './EmergencyStop.js'
export { Badge } from './parts.js'
export { MONITOR_CSS, useStyle as useMonitorStyle } from './style.js'
export { phaseShown } from './words.js'
