-- refused: asks for itself without end: at_load_itself
-- SPDX-License-Identifier: GPL-2.0-or-later

return require("at_load_itself")
