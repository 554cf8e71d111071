/** What the rail shows, in its order. A new screen is one entry here and one branch in ScreenView.svelte. */
import ChartLine from '@lucide/svelte/icons/chart-line';
import GitCompare from '@lucide/svelte/icons/git-compare-arrows';
import GraduationCap from '@lucide/svelte/icons/graduation-cap';
import Images from '@lucide/svelte/icons/images';
import SquarePen from '@lucide/svelte/icons/square-pen';
import ScanEye from '@lucide/svelte/icons/scan-eye';
import SettingsIcon from '@lucide/svelte/icons/settings';
import type { Icon } from '../../ui/icon.ts';
import { annotateRoute, dataRoute, type Route, type ScreenName } from '../../state/route.ts';

export interface RailEntry {
  label: string;
  icon: Icon;
  shortcut: string;
  /** Where the entry leads. */
  route: Route;
  /** The screens that light it up. */
  screens: readonly ScreenName[];
  /** At the rail's lower end. */
  last?: boolean;
}

export const railEntries: readonly RailEntry[] = [
  { label: 'Data', icon: Images, shortcut: 'G D', route: dataRoute(), screens: ['data'] },
  { label: 'Annotate', icon: SquarePen, shortcut: 'G A', route: annotateRoute(), screens: ['annotate'] },
  {
    label: 'Train',
    icon: GraduationCap,
    shortcut: 'G T',
    route: { screen: 'train', datasetId: null, cloneOf: null },
    screens: ['train'],
  },
  {
    label: 'Runs',
    icon: ChartLine,
    shortcut: 'G R',
    route: { screen: 'runs' },
    screens: ['runs', 'run', 'sweeps', 'sweep', 'lab'],
  },
  {
    label: 'Compare',
    icon: GitCompare,
    shortcut: 'G C',
    route: { screen: 'compare', runIds: [], tab: null },
    screens: ['compare'],
  },
  {
    label: 'Predict',
    icon: ScanEye,
    shortcut: 'G P',
    route: { screen: 'predict', predictionSetId: null, runId: null },
    screens: ['predict'],
  },
  {
    label: 'Settings',
    icon: SettingsIcon,
    shortcut: 'G S',
    route: { screen: 'settings' },
    screens: ['settings', 'devices'],
    last: true,
  },
];
