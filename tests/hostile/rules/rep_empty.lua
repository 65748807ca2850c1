-- steps: repeats nothing 2^62 times
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	return (""):rep(1 << 62)
end)
