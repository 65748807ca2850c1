-- error: loads a shared object
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	package.loadlib("libc.so.6", "*")
end)
