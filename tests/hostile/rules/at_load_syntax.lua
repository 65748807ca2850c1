-- refused: is no Lua: near
-- SPDX-License-Identifier: GPL-2.0-or-later

return { derive = function( }
