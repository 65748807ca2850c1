-- steps: loops from the third snapshot on
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local n = 0

return live.derive(function()
	n = n + 1
	while n > 2 do end
end)
