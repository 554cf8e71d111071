/** Entry of the renderer: styles, then the app. */
import { mount } from 'svelte';
import './ui/tokens.css';
import './ui/base.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('internal: index.html has no #app');
mount(App, { target });
