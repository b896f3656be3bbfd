// Dark or light: as the system has it, unless somebody says otherwise on this browser.

export type Look = 'system' | 'light' | 'dark';
const KEY = 'bootwright-look';

function kept(): Look {
  try {
    const look = localStorage.getItem(KEY);
    return look === 'light' || look === 'dark' ? look : 'system';
  } catch {
    return 'system';
  }
}

class Chosen {
  look = $state<Look>(kept());

  constructor() {
    this.show();
  }

  choose(look: Look): void {
    this.look = look;
    try {
      localStorage.setItem(KEY, look);
    } catch {
      // Without a place to keep it, it lasts as long as the page.
    }
    this.show();
  }

  private show(): void {
    if (this.look === 'system') delete document.documentElement.dataset.look;
    else document.documentElement.dataset.look = this.look;
  }
}

export const chosen = new Chosen();
