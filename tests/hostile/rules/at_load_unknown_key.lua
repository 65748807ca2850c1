-- refused: has a key that nobody knows: derrive
-- SPDX-License-Identifier: GPL-2.0-or-later

return { derrive = function() end }
